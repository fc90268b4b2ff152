"""Guests in this process: engines, worker threads, and a runner for each guest."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from wasmhost.config.model import MOST_STACK_KIB
from wasmhost.errors import InternalError
from wasmhost.host.loading import Engines, load, refusal
from wasmhost.host.posts import Post
from wasmhost.host.runner import GuestRunner
from wasmhost.host.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config import ObserverConfig
    from wasmhost.host.counters import Counters
    from wasmhost.host.lanes import Entry
    from wasmhost.host.services import Services

_KIB: Final = 1024


class Threads:
    """See `quarters.Quarters`. A guest is started on a worker, as deadlines are kept there."""

    pids = ()
    snapshots = ()

    def __init__(self, services: Services) -> None:
        self._services = services
        self._engines = Engines()
        self._scheduler = Scheduler(MOST_STACK_KIB * _KIB, on_still=self._engines.rest)
        self._first: list[ThreadPlace] | None = []  # until they are started

    @property
    def trouble(self) -> str | None:
        """See `quarters.Quarters`, as for all of these."""
        return self._engines.trouble

    def prepare(self, observer: ObserverConfig, counters: Counters | None = None) -> ThreadPlace:
        """Read and compile an observer's module."""
        engine = self._engines.of(observer)
        guest = load(observer, engine)
        profile = self._services.profiles.of(observer.profile or observer.name, guest.given.fields)

        def make() -> GuestRunner:
            return GuestRunner(observer, engine, guest, self._services, profile=profile, counters=counters)

        place = ThreadPlace(observer, guest.sha256, make, self._scheduler)
        if self._first is not None:
            self._first.append(place)
        return place

    def settle_in(self) -> dict[str, str]:
        """Start the first guests, one after the other."""
        refused: dict[str, str] = {}
        for place in self._first or ():
            try:
                place.start()
            except Exception as error:  # one module must not keep the others from starting
                refused[place.observer.name] = refusal(error)
        self._first = None
        return refused

    def close(self) -> None:
        """End the workers."""
        self._scheduler.close()

    def free(self) -> None:
        """Free the engines."""
        self._engines.close()


class ThreadPlace:
    """See `quarters.Place`."""

    through = None

    def __init__(
        self, observer: ObserverConfig, sha256: str, make: Callable[[], GuestRunner], scheduler: Scheduler
    ) -> None:
        self.observer = observer
        self.module_sha256 = sha256
        self._make = make
        self._scheduler = scheduler
        self._runner: GuestRunner | None = None
        self._entry: Entry | None = None

    @property
    def post(self) -> Post:
        """See `quarters.Place`, as for all of these."""
        runner, entry = self._there
        return Post(runner, partial(self._scheduler.submit, entry), runner.profile)

    def start(self) -> None:
        """Start it on a worker, and wait for that."""
        start = _Start(self._make)
        self._scheduler.submit(self._scheduler.enlist(start))
        self._runner = start.result()
        self._entry = self._scheduler.enlist(self._runner)

    def pause(self) -> None:
        """Have its turn finished."""
        runner, entry = self._there
        resting = threading.Event()
        self._scheduler.pause(entry, resting.set)
        resting.wait()
        runner.settle()

    def resume(self) -> None:
        """Go on."""
        self._scheduler.resume(self._there[1])

    def leave(self) -> None:
        """Free the sandbox."""
        self._there[0].close()

    @property
    def _there(self) -> tuple[GuestRunner, Entry]:
        if self._runner is None or self._entry is None:
            raise InternalError(f"{self.observer.name} was not started")
        return self._runner, self._entry


class _Start:
    """The one turn in which a guest is started."""

    def __init__(self, make: Callable[[], GuestRunner]) -> None:
        self._make = make
        self._done = threading.Event()
        self._made: GuestRunner | None = None
        self._error: BaseException | None = None

    def turn(self) -> bool:
        """Start it."""
        try:
            self._made = self._make()
        except Exception as error:  # for whoever waits
            self._error = error
        self._done.set()
        return False

    def crashed(self, error: BaseException) -> None:
        """Tell of what would end a thread."""
        self._error = error
        self._done.set()

    def result(self) -> GuestRunner:
        """Wait for the runner; raises what starting it raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._made is not None  # noqa: S101 - it is one or the other
        return self._made
