"""What a runner needs of whoever it runs for: of a host in its own process, or of one beyond a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wasmhost.panics.record import Panic
    from wasmhost.sinks import ReportRecord


class PanicKeeper(Protocol):
    """Keeps panics; `wasmhost.panics.store.PanicLog` is one."""

    def record(self, panic: Panic) -> None:
        """Take one panic. Never blocks."""
        ...


class StateKeeper(Protocol):
    """Keeps observers' state; `wasmhost.host.state.StateStore` is one."""

    def load(self, observer: str) -> bytes | None:
        """Return an observer's latest state; None if it has none."""
        ...

    def save(self, observer: str, blob: bytes) -> None:
        """Make ``blob`` the observer's state."""
        ...


class ReportTaker(Protocol):
    """Takes reports on their way to a sink; `wasmhost.host.reports.ReportQueue` is one."""

    @property
    def full(self) -> bool:
        """Whether a lossless run has to wait."""
        ...

    def put(self, record: ReportRecord) -> bool:
        """Take one report; False where it had to be dropped."""
        ...


class Ports(Protocol):
    """All of it. ``lossless``: no backoff, and time is counted in events."""

    @property
    def panics(self) -> PanicKeeper:
        """Where panics go."""
        ...

    @property
    def states(self) -> StateKeeper:
        """Where state is kept."""
        ...

    @property
    def reports(self) -> ReportTaker:
        """Where reports go."""
        ...

    @property
    def lossless(self) -> bool:
        """Whether nothing may be dropped."""
        ...
