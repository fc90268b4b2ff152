"""What a partition's observers leave behind between two checkpoints. It is filled from any thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from wasmhost.panics.store import PanicLog

if TYPE_CHECKING:
    from wasmhost.panics.record import Panic
    from wasmhost.sinks import ReportRecord


class Harvest(NamedTuple):
    """All of it, each in its order; ``states`` are the latest of those that changed."""

    reports: list[ReportRecord]
    panics: list[Panic]
    states: dict[str, bytes]


class Reports:
    """Takes reports (`wasmhost.host.ports.ReportTaker`); as many as a batch makes, so it is never full."""

    full = False

    def __init__(self) -> None:
        self._taken: list[ReportRecord] = []

    def put(self, record: ReportRecord) -> bool:
        """Take one."""
        self._taken.append(record)
        return True

    def take(self) -> list[ReportRecord]:
        """Give what came, and begin anew. When no observer runs."""
        taken, self._taken = self._taken, []
        return taken


class States:
    """Keeps states in memory (`wasmhost.host.ports.StateKeeper`)."""

    def __init__(self, states: dict[str, bytes]) -> None:
        self._lock = threading.Lock()
        self._states = dict(states)
        self._changed: set[str] = set()

    def load(self, observer: str) -> bytes | None:
        """Return an observer's latest state."""
        with self._lock:
            return self._states.get(observer)

    def save(self, observer: str, blob: bytes) -> None:
        """Make it an observer's state."""
        with self._lock:
            self._states[observer] = blob
            self._changed.add(observer)

    def knows(self, observer: str) -> bool:
        """Whether there is one of an observer."""
        with self._lock:
            return observer in self._states

    def adopt(self, observer: str, blob: bytes) -> None:
        """Take over what was written of an observer, unless it has saved meanwhile."""
        with self._lock:
            self._states.setdefault(observer, blob)

    def take(self) -> dict[str, bytes]:
        """Give those that changed."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return {observer: self._states[observer] for observer in sorted(changed)}


class Panics(PanicLog):
    """Passes panics on to the panic log that all partitions share, and remembers them."""

    def __init__(self, log: PanicLog) -> None:
        super().__init__()
        self._log = log
        self._taken: list[Panic] = []

    def record(self, panic: Panic) -> None:
        """Take one."""
        self._log.record(panic)
        self._taken.append(panic)

    def take(self) -> list[Panic]:
        """Give what came. When no observer runs."""
        taken, self._taken = self._taken, []
        return taken
