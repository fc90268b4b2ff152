"""The front door: a node emits, sources feed, observers hear."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from wasmhost.config import HostConfig
from wasmhost.contract.codec import ingest
from wasmhost.contract.records import route
from wasmhost.drain import Drain
from wasmhost.errors import UserError
from wasmhost.host.adapter import SandboxedObserver
from wasmhost.host.counters import Counters, ObserverSummary, Summary
from wasmhost.host.crew import Crew
from wasmhost.host.dispatch import LOCAL, Dispatcher
from wasmhost.host.mishaps import is_worth_a_line, tell_operator
from wasmhost.host.reload import carry_out, check_names, merged, plan
from wasmhost.host.services import on_thread, open_services
from wasmhost.host.snapshot import snapshot
from wasmhost.host.wake import call_on_loop, uninterrupted
from wasmhost.observer import collected_error
from wasmhost.panics.store import PanicLog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.contract.codec import Frame
    from wasmhost.contract.records import ErrorEvent, HookEvent, Payload, RuntimeContext
    from wasmhost.host.posts import Letterbox
    from wasmhost.host.reload import Reload
    from wasmhost.host.services import Services
    from wasmhost.host.snapshot import HostSnapshot, ShardSnapshot
    from wasmhost.observer import WorkloadHookObserver
    from wasmhost.sinks import Sink

_POLL_S: Final = 0.002
_REJECTED_NAMED: Final = 100


class ObserverHost:
    """Runs the observers of a configuration, and gives them what a node emits or sources feed.

    Use as an async context manager, on an asyncio event loop. On entry the modules are loaded: one
    that is refused is logged and stands in the summary, and the others run. On exit the mailboxes
    are drained for ``drain_s``, and all that was asked for is written.

    ``trusted`` are observers in Python, served on the loop that entered the host. ``lossless``: wait
    for the slowest observer instead of dropping, retry at once, and count time in events, so that
    the same input gives the same output; for input that is a file. ``sink`` takes the reports,
    instead of what the configuration names. ``services``: what it would open otherwise, the database and
    the sink among it, where one who runs several hosts has opened them, and will close them.
    """

    def __init__(
        self,
        config: HostConfig | None = None,
        *,
        trusted: Sequence[WorkloadHookObserver] = (),
        lossless: bool = False,
        sink: Sink | None = None,
        services: Services | None = None,
    ) -> None:
        self.config = config or HostConfig()
        self.panics = PanicLog()
        self.rejected = 0
        self.failures: list[str] = []
        """What could not be written, once the host is closed; one line each."""
        self._trusted = trusted
        self._lossless = lossless
        self._sink = sink
        self._given = services
        self._dispatcher = Dispatcher()
        self._stack = AsyncExitStack()  # each step of opening leaves here what undoes it
        self._crew = Crew(self.config, self._dispatcher, self._stack)
        self._drain = Drain(None if lossless else self.config.drain_s)
        self._changing = asyncio.Lock()
        self._closing = False
        self._entered = False
        self._shut: str | None = "the host is not open: use it inside of `async with`"

    async def __aenter__(self) -> Self:
        """Open the database and the sink, load the modules.

        Cancelled meanwhile, it closes what it opened.

        :raises UserError: the database or the sink cannot be opened.
        """
        if self._entered:
            raise UserError("a host is entered once: make another")
        self._entered = True
        try:
            services = self._given or await open_services(
                self._stack, self.config, self._sink, self.failures, self._drain, lossless=self._lossless
            )
            self.panics = services.panics
            await self._crew.start_guests(services)
            self._crew.start_trusted(self._trusted)
        except BaseException:
            await self._close()
            raise
        self._shut = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drain, stop, write, close: in the reverse order of opening.

        A cancellation that comes now cuts the draining short, and nothing else.
        """
        try:
            # A lossless run takes what it needs, each delivery being bounded; unless it is to end now.
            lossless = self._lossless and not isinstance(error, asyncio.CancelledError)
            self._drain.begin(None if lossless else self.config.drain_s)
            with anyio.move_on_after(self._drain.left_s, shield=True):
                await self.drain()
        finally:
            await uninterrupted(self._end_changes())
            await self._close()

    async def _end_changes(self) -> None:
        """Wait for a reload that is under way, and let no other begin."""
        async with self._changing:
            self._closing = True

    async def _close(self) -> None:
        for post in self._dispatcher.posts:
            post.runner.mailbox.close()
        try:
            with anyio.CancelScope(shield=True):
                await self._stack.aclose()
        finally:
            self._shut = "the host is closed"

    # The node's side.

    def emit(self, event: HookEvent, ctx: RuntimeContext | None = None, *, at: int | None = None) -> None:
        """Give an event to all who hear it. Never blocks, never logs; safe from any thread.

        ``ctx`` is None while the node has no identity: then only the two early signaling hooks are
        delivered. ``at`` is Unix time in nanoseconds, now by default. What a full mailbox cannot
        take is dropped by its policy, and counted.

        :raises RejectedEvent: the event itself cannot be encoded, say for a number out of range.
        """
        self._check_open()
        if at is None:
            at = time.time_ns()
        hook, payload = route(event, at)
        self._dispatcher.originate(hook, at, ctx, payload)

    def emit_hook(
        self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None, *, to: str | None = None
    ) -> None:
        """Do the same, for one who has the hook's name and payload and not the event.

        ``to`` is the name of the only observer it is for; the others count it as skipped.
        """
        self._check_open()
        self._dispatcher.originate(hook, time.time_ns(), ctx, payload, to)

    def as_observer(self, name: str | None = None) -> WorkloadHookObserver:
        """Offer all observers, or one, as an observer written in Python, say to `build_hook_callback`.

        Its lifecycle hooks are awaited and raise ActrError; the others are queued.

        :raises UserError: no observer of that name runs.
        """
        if name is not None and all(post.runner.name != name for post in self._dispatcher.posts):
            raise UserError(f'no observer "{name}" runs in this host')
        return SandboxedObserver(partial(self.emit_hook, to=name), partial(self._lifecycle, to=name))

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node starts, and wait for them.

        :raises ActrError: one of them failed, or several: then one error names them all.
        """
        await self._lifecycle("on_start", ctx)

    async def on_ready(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node is ready, and wait for them. Raises ActrError."""
        await self._lifecycle("on_ready", ctx)

    async def on_stop(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node stops, and wait for them. Raises ActrError."""
        await self._lifecycle("on_stop", ctx)

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Tell all observers of an error in the node, and wait for them. Raises ActrError."""
        await self._lifecycle("on_error", ctx, event)

    async def _lifecycle(
        self, hook: str, ctx: RuntimeContext, payload: Payload | None = None, *, to: str | None = None
    ) -> None:
        self._check_open()
        replies = self._dispatcher.originate_awaited(hook, time.time_ns(), ctx, payload, to)
        errors = [(name, await reply.error()) for name, reply in replies]
        failed = [(name, error) for name, error in errors if error is not None]
        if failed:
            raise collected_error(failed)

    # The sources' side.

    async def feed(self, frame: bytes, *, src: str = LOCAL) -> None:
        """Take one hook-event in CBOR. Where the run is lossless, wait until all have room for it.

        ``src`` is its source, unless the event names one.

        :raises RejectedEvent: it breaks the contract.
        """
        event = ingest(frame)
        await self.feed_frame(event if event.src is not None else event._replace(src=src))

    async def feed_frame(self, frame: Frame) -> None:
        """Take one event that has been checked already. Waits as `feed` does."""
        self._check_open()
        waited = self._lossless
        while waited:  # until all have room at once: one that had some may have been filled by another feeder
            waited = False
            for post in self._dispatcher.hearing(frame):
                if post.runner.mailbox.full:
                    waited = await _waited_for_room(post.runner.mailbox) or waited
        self._dispatcher.pass_on(frame)

    def reject(self, source: str, offset: int, reason: str) -> None:
        """Count an item of a source that is no event we can take, and log it.

        Ever more rarely after the first hundred: whoever writes nonsense chooses how much of it.
        """
        self.rejected += 1
        count = self.rejected
        if count <= _REJECTED_NAMED or is_worth_a_line(count):
            tell_operator("warning", "event rejected", source=source, offset=offset, reason=reason)
        if count == _REJECTED_NAMED:
            tell_operator("warning", "many events rejected: from here on few are named", rejected=count)

    def note_taken(self, frame: Frame) -> None:
        """Note an event that was taken before this host was there, so that gaps behind it are told right."""
        self._dispatcher.note_taken(frame)

    async def drain(self) -> None:
        """Wait until nothing waits and nothing runs."""
        # Polled: whoever told us would do so on every event's way, for the sake of the last one.
        while not all(post.runner.mailbox.idle for post in self._dispatcher.posts):  # noqa: ASYNC110
            await anyio.sleep(_POLL_S)

    async def reload(self, config: HostConfig) -> Reload:
        """Go over to another configuration: add, replace and remove observers while events flow.

        Each change takes effect between two events, and none is lost: what waits for an observer that is
        replaced, the new one gets. Observers that are the same go on untouched. Only observers, what they
        have by default, and ``drain_s`` can change; another value of the rest is for the next start.
        What is begun is carried out, whoever cancels it; one reload waits for the other.

        :raises UserError: the host is not open, or two observers have one name; nothing was done then.
        """
        self._check_open()
        check_names(config)
        return await uninterrupted(self._reload(config))

    async def _reload(self, config: HostConfig) -> Reload:
        async with self._changing:
            if self._closing:
                raise UserError("the host is closing")
            self.config, later = merged(self.config, config)
            crew = self._crew
            crew.forget_refused({observer.name for observer in config.observers})
            todo = await on_thread(partial(plan, config, crew.running()))
            trusted = {post.runner.name for post in self._dispatcher.posts} - crew.places.keys()
            drain_s = None if self._lossless else self.config.drain_s
            return replace(await carry_out(todo, crew, trusted, drain_s), later=later)

    @property
    def waiting(self) -> int:
        """How many deliveries are to come, of all observers."""
        return sum(post.runner.mailbox.waiting for post in self._dispatcher.posts)

    @property
    def shard_pids(self) -> tuple[int, ...]:
        """The processes in which guests run now, without one that is just being replaced."""
        return self._crew.shard_pids

    def counters(self) -> dict[str, Counters]:
        """The counters of each observer that runs, by its name. They go on counting."""
        return {post.runner.name: post.runner.counters for post in self._dispatcher.posts}

    @property
    def shards(self) -> tuple[ShardSnapshot, ...]:
        """How the shards are; none where guests run in threads."""
        return self._crew.shards

    def snapshot(self) -> HostSnapshot:
        """Say how the host is, in numbers, for its telemetry. From any thread, at any time."""
        return snapshot(self.summary(), self._dispatcher.posts, self.shards)

    def _check_open(self) -> None:
        if self._shut is not None:
            raise UserError(self._shut)

    def summary(self) -> Summary:
        """Sum up the run so far, in the order of the configuration. From any thread, at any time."""
        lines = {
            name: ObserverSummary(name, None, "refused", reason=reason)
            for name, reason in self._crew.refused.items()
        }
        lines.update((line.name, line) for line in self._crew.removed())
        for post in self._dispatcher.posts:
            lines[post.runner.name] = post.runner.summary(self._dispatcher.unheard(post.runner))
        configured = [observer.name for observer in self.config.observers]
        others = [name for name in lines if name not in configured]
        ordered = tuple(lines[name] for name in (*configured, *others) if name in lines)
        return Summary(self._dispatcher.events, self.rejected, ordered)


async def _waited_for_room(mailbox: Letterbox) -> bool:
    """Wait until a mailbox can take one more; whether that took any waiting."""
    loop = asyncio.get_running_loop()
    room = asyncio.Event()
    waited = False
    while mailbox.tell_when_room(partial(call_on_loop, loop, room.set)):
        waited = True
        await room.wait()
        room.clear()
    return waited
