"""The observers of a host: guests in their quarters, observers in Python on the event loop.

They are started with the host. Guests may come, go and be replaced while it runs: each of these changes takes
effect between two events, and loses none.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio
import anyio.lowlevel

from wasmhost.config import name_observers
from wasmhost.errors import InternalError
from wasmhost.host.loading import refusal
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.posts import Post
from wasmhost.host.services import cancel, on_thread
from wasmhost.host.threads import Threads
from wasmhost.host.trusted import TrustedRunner
from wasmhost.telemetry.spans import span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AsyncExitStack

    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.grants.usage import UsageLog
    from wasmhost.host.counters import Counters, ObserverSummary
    from wasmhost.host.dispatch import Dispatcher
    from wasmhost.host.posts import Runner
    from wasmhost.host.quarters import Place, Quarters
    from wasmhost.host.services import Services
    from wasmhost.host.snapshot import ShardSnapshot
    from wasmhost.host.tally import Gone
    from wasmhost.observer import WorkloadHookObserver

_POLL_S: Final = 0.002
_REMEMBERED: Final = 1024  # of those that were removed


class Removed(NamedTuple):
    """What is kept of an observer that is not there any more: for the summary, and should it come back."""

    summary: ObserverSummary
    counters: Counters
    dropped: int
    gone: Gone


class Crew:
    """Starts observers, adds those that run to the dispatcher, and leaves on ``stack`` what ends them.

    ``refused`` says of each module that does not run why not.
    """

    def __init__(self, config: HostConfig, dispatcher: Dispatcher, stack: AsyncExitStack) -> None:
        self.refused: dict[str, str] = {}
        self.places: dict[str, Place] = {}
        self._removed: dict[str, Removed] = {}
        self._leaving: dict[str, tuple[Runner, Gone]] = {}  # they serve what waits for them still
        self._quarters: Quarters | None = None
        self._services: Services | None = None
        self._config = config
        self._dispatcher = dispatcher
        self._stack = stack

    @property
    def shard_pids(self) -> tuple[int, ...]:
        """The processes in which guests run now; none where they run in threads."""
        return self._quarters.pids if self._quarters is not None else ()

    @property
    def shards(self) -> tuple[ShardSnapshot, ...]:
        """How the shards are."""
        return self._quarters.snapshots if self._quarters is not None else ()

    async def start_guests(self, services: Services) -> None:
        """Load and start the configured modules, one after the other."""
        self._services = services
        prepared: list[Place] = []
        for observer in self._config.observers:
            try:
                with span("wasmhost.load", observer=observer.name):
                    prepared.append(await on_thread(partial(self._open_quarters().prepare, observer)))
            except Exception as error:  # one module must not keep the others from starting
                self.refuse(observer.name, refusal(error))
            await anyio.lowlevel.checkpoint()  # where a cancellation of anyio's is heard
        if self._quarters is None:
            return
        if self._quarters.trouble is not None:
            tell_operator("warning", "compiled modules are not kept", reason=self._quarters.trouble)
        refused = await on_thread(self._quarters.settle_in)
        for name, reason in refused.items():
            self.refuse(name, reason)
        for place in prepared:
            if place.observer.name not in refused:
                self._keep(place)
                self._dispatcher.add(place.post, place.through)

    def start_trusted(self, trusted: Sequence[WorkloadHookObserver]) -> None:
        """Start observers written in Python, each named after its class."""
        taken = {observer.name for observer in self._config.observers}
        names = name_observers([Path(type(observer).__name__) for observer in trusted], taken)
        for name, observer in zip(names, trusted, strict=True):
            runner = TrustedRunner(name, observer, self._config)
            task = asyncio.create_task(runner.serve(), name=f"wasmhost-{name}")
            self._stack.callback(runner.close)
            self._stack.push_async_callback(cancel, task)
            self._dispatcher.add(Post(runner, runner.call))

    # Changes while it runs: one at a time, and each to its end.

    async def add(self, observer: ObserverConfig) -> None:
        """Start one more guest, who hears from the next event on.

        :raises GuestRefused: it does not run.
        """
        before = self._removed.get(observer.name)
        if self._quarters is None:  # there were none at the start
            await on_thread(self._open_quarters().settle_in)
        quarters = self._open_quarters()
        counters = before.counters if before is not None else None
        place = await on_thread(partial(quarters.prepare, observer, counters))
        await on_thread(place.start)
        if before is not None:
            place.post.runner.mailbox.inherit(before.dropped)
        self._removed.pop(observer.name, None)
        self._keep(place)
        self._dispatcher.add(place.post, place.through, before.gone if before is not None else None)

    async def replace(self, observer: ObserverConfig) -> None:
        """Put another module, or other settings, in the place of the one of that name, between two events.

        The new one begins with the state that the old one left, and with the events that wait for it.

        :raises GuestRefused: it does not run; then the old one goes on.
        """
        old = self.places[observer.name]
        counters = old.post.runner.counters
        new = await on_thread(partial(self._open_quarters().prepare, observer, counters))
        await on_thread(old.pause)
        self._usage.forget(counters)
        try:
            await on_thread(new.start)
        except BaseException:
            self._keep(old)
            await on_thread(old.resume)
            raise
        self._keep(new)
        self._dispatcher.replace(old.post, new.post, new.through)
        await on_thread(old.leave)

    async def remove(self, name: str, drain_s: float | None) -> None:
        """Let a guest hear no more events, serve what waits for it, and end it.

        ``drain_s``: for so long at most.
        """
        place = self.places.pop(name)
        post = place.post
        gone = self._dispatcher.remove(post)
        self._leaving[name] = (post.runner, gone)
        mailbox = post.runner.mailbox
        with anyio.move_on_after(drain_s):
            while not mailbox.idle:  # noqa: ASYNC110 - as `ObserverHost.drain`
                await anyio.sleep(_POLL_S)
        mailbox.close()
        await on_thread(place.pause)
        await on_thread(place.leave)
        runner = post.runner
        self._bound_removed()
        self._removed[name] = Removed(runner.summary(gone.unheard), runner.counters, mailbox.dropped, gone)
        del self._leaving[name]
        self._usage.forget(runner.counters)

    def running(self) -> dict[str, tuple[ObserverConfig, str]]:
        """Which guests run, by name: their settings, and their modules' SHA-256; "" for those that failed."""
        return {
            name: (place.observer, "" if _failed(place) else place.module_sha256)
            for name, place in self.places.items()
        }

    def refuse(self, name: str, reason: str) -> None:
        """Note that an observer does not run, and why."""
        self.refused[name] = reason
        tell_operator("error", "observer refused", observer=name, reason=reason)

    def forget_refused(self, wanted: Collection[str]) -> None:
        """Forget what was refused and is not wanted any more."""
        for name in [name for name in self.refused if name not in wanted]:
            del self.refused[name]

    def removed(self) -> Iterator[ObserverSummary]:
        """Sum up those that hear no more: what came after them counts as skipped."""
        lines = [(runner.summary(gone.unheard), gone) for runner, gone in self._leaving.copy().values()]
        lines += [(each.summary, each.gone) for each in self._removed.copy().values()]
        for line, gone in lines:
            later = self._dispatcher.events - gone.events
            yield replace(line, state="removed", skipped=line.skipped + later)

    def _bound_removed(self) -> None:
        if len(self._removed) >= _REMEMBERED:
            del self._removed[next(iter(self._removed))]

    def _keep(self, place: Place) -> None:
        name = place.observer.name
        self.refused.pop(name, None)
        self.places[name] = place
        self._usage.watch(name, place.module_sha256, place.post.runner.counters)

    @property
    def _usage(self) -> UsageLog:
        assert self._services is not None  # noqa: S101 - there was a guest, so there are its services
        return self._services.usage

    def _open_quarters(self) -> Quarters:
        """Where guests live; made for the first one."""
        if self._quarters is not None:
            return self._quarters
        if self._services is None:
            raise InternalError("guests are started before what they need")
        quarters: Quarters
        if self._config.isolation == "process":
            # Here and not above: it makes use of this room, as a shard is a small host.
            from wasmhost.shards.fleet import Fleet

            quarters = Fleet(self._config, self._services)
        else:
            quarters = Threads(self._services)
        self._quarters = quarters
        self._stack.callback(quarters.free)
        self._stack.callback(self._close_runners)
        self._stack.push_async_callback(on_thread, quarters.close)
        return quarters

    def _close_runners(self) -> None:
        runners: list[Runner] = [place.post.runner for place in self.places.values()]
        for runner in runners:
            runner.close()


def _failed(place: Place) -> bool:
    return place.post.runner.summary(0).state == "failed"
