"""Starts the observers of a host: guests on worker threads, observers in Python on the event loop."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.lowlevel
import anyio.to_thread

from wasmhost.config import name_observers
from wasmhost.errors import GuestRefused, UserError
from wasmhost.host.dispatch import Post
from wasmhost.host.loading import Engines, load
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.scheduler import Scheduler
from wasmhost.host.services import cancel, in_thread
from wasmhost.host.trusted import TrustedRunner
from wasmhost.host.wake import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AsyncExitStack

    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.host.dispatch import Dispatcher
    from wasmhost.host.services import Services
    from wasmhost.observer import WorkloadHookObserver
    from wasmhost.shards.fleet import Fleet


class Crew:
    """Starts observers, adds those that run to the dispatcher, and leaves on ``stack`` what ends them.

    ``refused`` says of each module that does not run why not.
    """

    def __init__(self, config: HostConfig, dispatcher: Dispatcher, stack: AsyncExitStack) -> None:
        self.refused: dict[str, str] = {}
        self._fleet: Fleet | None = None
        self._config = config
        self._dispatcher = dispatcher
        self._stack = stack

    @property
    def shard_pids(self) -> tuple[int, ...]:
        """The processes in which guests run now; none where they run in threads."""
        shards = self._fleet.shards if self._fleet is not None else []
        return tuple(pid for shard in shards if (pid := shard.pid) is not None)

    async def start_guests(self, services: Services) -> None:
        """Load and start the configured modules, one after the other."""
        if not self._config.observers:
            return
        if self._config.isolation == "process":
            await self._start_in_shards(services)
        else:
            await self._start_in_threads(services)

    async def _start_in_threads(self, services: Services) -> None:
        engines = Engines(self._config.observers)
        self._stack.callback(engines.close)
        scheduler = Scheduler(engines.stack_bytes, on_still=engines.rest)
        self._stack.callback(self._close_runners)
        self._stack.push_async_callback(in_thread, scheduler.close)
        for observer in self._config.observers:
            await uninterrupted(self._start_guest(observer, engines, scheduler, services))
            await anyio.lowlevel.checkpoint()  # where a cancellation of anyio's is heard
        _tell_trouble(engines.trouble)
        engines.rest()  # what was armed to load them; nothing runs yet

    async def _start_in_shards(self, services: Services) -> None:
        # Here and not above: it makes use of this room, as a shard is a small host.
        from wasmhost.shards.fleet import Fleet

        fleet = self._fleet = Fleet(self._config, services)
        self._stack.callback(self._close_runners)
        self._stack.push_async_callback(in_thread, fleet.close)
        for observer in self._config.observers:
            with self._refusing(observer):
                await uninterrupted(in_thread(partial(fleet.prepare, observer)))
            await anyio.lowlevel.checkpoint()
        _tell_trouble(fleet.trouble)
        await uninterrupted(in_thread(fleet.start))
        for name, reason in fleet.refused().items():
            self._refuse(name, reason)
        for post, hearer in fleet.posts():
            self._dispatcher.add(post, hearer)
        for desk in fleet.desks():
            services.usage.watch(desk.name, desk.module_sha256, desk.counters)

    async def _start_guest(
        self, observer: ObserverConfig, engines: Engines, scheduler: Scheduler, services: Services
    ) -> None:
        with self._refusing(observer):
            runner = await anyio.to_thread.run_sync(load, observer, engines, services)
            call = partial(scheduler.submit, scheduler.enlist(runner))
            services.usage.watch(runner.name, runner.module_sha256, runner.counters)
            self._dispatcher.add(Post(runner, call, runner.profile))

    @contextmanager
    def _refusing(self, observer: ObserverConfig) -> Iterator[None]:
        """Note an observer as refused where what is done here fails for a reason of its own."""
        try:
            yield
        except GuestRefused as refused:
            self._refuse(observer.name, str(refused))
        except UserError:
            raise  # it is not about the module: the database, say
        except Exception as error:  # one module must not keep the others from starting
            reason = f"wasmhost failed to load it, which is a bug: {error!r}"
            self._refuse(observer.name, reason, exc_info=error)

    def _refuse(self, name: str, reason: str, **more: object) -> None:
        self.refused[name] = reason
        tell_operator("error", "observer refused", observer=name, reason=reason, **more)

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

    def _close_runners(self) -> None:
        for post in self._dispatcher.posts:
            post.runner.close()


def _tell_trouble(trouble: str | None) -> None:
    if trouble is not None:
        tell_operator("warning", "compiled modules are not kept", reason=trouble)
