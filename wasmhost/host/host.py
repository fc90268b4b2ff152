"""The front door: a node emits, sources feed, observers hear."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import structlog

from wasmhost.config import HostConfig
from wasmhost.contract.codec import ingest
from wasmhost.contract.records import route
from wasmhost.database import Database
from wasmhost.errors import GuestRefused, UserError
from wasmhost.host.counters import ObserverSummary, Summary
from wasmhost.host.dispatch import LOCAL, Dispatcher, Post
from wasmhost.host.loading import Engines, load
from wasmhost.host.reports import ReportQueue
from wasmhost.host.runner import Services
from wasmhost.host.scheduler import Scheduler
from wasmhost.host.state import StateStore
from wasmhost.host.trusted import TrustedRunner
from wasmhost.observer import collected_error
from wasmhost.panics.store import PanicLog
from wasmhost.sinks import open_sink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.config import ObserverConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.contract.records import ErrorEvent, HookEvent, Payload, RuntimeContext
    from wasmhost.host.mailbox import Mailbox
    from wasmhost.observer import WorkloadHookObserver
    from wasmhost.sinks import Sink

_POLL_S: Final = 0.002

_log: Final = structlog.stdlib.get_logger("wasmhost.host")


class ObserverHost:
    """Runs the observers of a configuration, and gives them what a node emits or sources feed.

    Use as an async context manager, on an asyncio event loop. On entry the modules are loaded: one
    that is refused is logged and stands in the summary, and the others run. On exit the mailboxes
    are drained for ``drain_s``, and all that was asked for is written.

    ``trusted`` are observers in Python, served on the loop that entered the host. ``lossless``: wait
    for the slowest observer instead of dropping, retry at once, and count time in events, so that
    the same input gives the same output; for input that is a file. ``sink`` takes the reports,
    instead of what the configuration names.
    """

    def __init__(
        self,
        config: HostConfig | None = None,
        *,
        trusted: Sequence[WorkloadHookObserver] = (),
        lossless: bool = False,
        sink: Sink | None = None,
    ) -> None:
        self.config = config or HostConfig()
        self.panics = PanicLog()
        self.rejected = 0
        self.failures: list[str] = []
        """What could not be written, once the host is closed; one line each."""
        self._trusted = trusted
        self._lossless = lossless
        self._sink = sink
        self._refused: dict[str, str] = {}
        self._dispatcher = Dispatcher()
        self._open = False
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the database and the sink, load the modules.

        :raises UserError: the database or the sink cannot be opened.
        """
        async with AsyncExitStack() as stack:
            services = await self._open_services(stack)
            await self._start_guests(stack, services)
            self._start_trusted(stack)
            stack.push_async_callback(self._drain)
            self._closing = stack.pop_all()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drain, stop, write, close: in the reverse order of opening."""
        await self._closing.aclose()
        self._open = False

    # Opening. Each step leaves on the stack what undoes it.

    async def _open_services(self, stack: AsyncExitStack) -> Services:
        database = None
        if self.config.db is not None:
            database = Database(self.config.db)
            stack.callback(self._note_failure, database)
            stack.push_async_callback(anyio.to_thread.run_sync, database.close)
        self.panics = PanicLog(database)
        sink = self._sink or open_sink(self.config.reports)
        stack.callback(self._note_failure, sink)
        await stack.enter_async_context(sink)
        reports = ReportQueue(sink)
        pump = asyncio.create_task(reports.pump(), name="wasmhost-reports")
        stack.push_async_callback(_finish, pump)
        stack.callback(reports.close)
        return Services(self.panics, StateStore(database), reports, self._lossless)

    async def _start_guests(self, stack: AsyncExitStack, services: Services) -> None:
        engines = Engines(self.config.observers)
        stack.callback(engines.close)
        scheduler = Scheduler(engines.stack_bytes, on_still=engines.rest)
        stack.callback(self._close_runners)
        stack.push_async_callback(anyio.to_thread.run_sync, scheduler.close)
        for observer in self.config.observers:
            try:
                runner = await anyio.to_thread.run_sync(load, observer, engines, services)
            except GuestRefused as refused:
                self._refuse(observer, str(refused))
                continue
            entry = scheduler.enlist(runner)
            self._dispatcher.add(Post(runner, lambda entry=entry: scheduler.submit(entry)))

    def _refuse(self, observer: ObserverConfig, reason: str) -> None:
        self._refused[observer.name] = reason
        _log.error("observer refused", observer=observer.name, reason=reason)

    def _start_trusted(self, stack: AsyncExitStack) -> None:
        for number, observer in enumerate(self._trusted, 1):
            name = f"{type(observer).__name__}-{number}" if len(self._trusted) > 1 else type(observer).__name__
            runner = TrustedRunner(name, observer, self.config)
            task = asyncio.create_task(runner.serve(), name=f"wasmhost-{name}")
            stack.push_async_callback(_cancel, task)
            self._dispatcher.add(Post(runner, runner.call))

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

    def emit_hook(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """The same, for one who has the hook's name and payload and not the event."""
        self._check_open()
        self._dispatcher.originate(hook, time.time_ns(), ctx, payload)

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node starts, and wait for them.

        :raises ActrError: one of them failed, or several: then one error names them all.
        """
        await self._lifecycle("on_start", ctx)

    async def on_ready(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node is ready, and wait for them. :raises ActrError:"""
        await self._lifecycle("on_ready", ctx)

    async def on_stop(self, ctx: RuntimeContext) -> None:
        """Tell all observers that the node stops, and wait for them. :raises ActrError:"""
        await self._lifecycle("on_stop", ctx)

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Tell all observers of an error in the node, and wait for them. :raises ActrError:"""
        await self._lifecycle("on_error", ctx, event)

    async def _lifecycle(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        self._check_open()
        replies = self._dispatcher.originate_awaited(hook, time.time_ns(), ctx, payload)
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
        if self._lossless:
            for runner, _call in self._dispatcher.hearing(frame.hook):
                await _room(runner.mailbox)
        self._dispatcher.pass_on(frame)

    def reject(self, source: str, offset: int, reason: str) -> None:
        """Count and log an item of a source that is no event we can take."""
        self.rejected += 1
        _log.warning("event rejected", source=source, offset=offset, reason=reason)

    # The end.

    async def drain(self) -> None:
        """Wait until nothing waits and nothing runs."""
        while not all(post.runner.mailbox.idle for post in self._dispatcher.posts):
            await anyio.sleep(_POLL_S)

    async def _drain(self) -> None:
        """At the end: a lossless run takes what it needs, each delivery being bounded; a live one not."""
        with anyio.move_on_after(None if self._lossless else self.config.drain_s):
            await self.drain()

    def _close_runners(self) -> None:
        for post in self._dispatcher.posts:
            post.runner.close()

    def _note_failure(self, writer: Database | Sink) -> None:
        if writer.failed is not None:
            self.failures.append(writer.failed)

    def _check_open(self) -> None:
        if not self._open:
            raise UserError("the host is not open: use it inside of `async with`")

    def summary(self) -> Summary:
        """What the run has come to so far, in the order of the configuration."""
        lines = {
            name: ObserverSummary(name, None, "refused", reason=reason)
            for name, reason in self._refused.items()
        }
        for post in self._dispatcher.posts:
            lines[post.runner.name] = post.runner.summary(self._dispatcher.unheard(post.runner))
        configured = [observer.name for observer in self.config.observers]
        others = [name for name in lines if name not in configured]
        ordered = tuple(lines[name] for name in (*configured, *others) if name in lines)
        return Summary(self._dispatcher.events, self.rejected, ordered)


async def _room(mailbox: Mailbox) -> None:
    """Wait until a mailbox can take one more."""
    loop = asyncio.get_running_loop()
    room = asyncio.Event()
    while mailbox.tell_when_room(lambda: loop.call_soon_threadsafe(room.set)):
        await room.wait()
        room.clear()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _finish(task: asyncio.Task[None]) -> None:
    await task
