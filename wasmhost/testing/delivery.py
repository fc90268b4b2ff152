"""What one event brought about, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cbor2

if TYPE_CHECKING:
    from wasmhost.sandbox.outbox import CounterAdd, GaugeSet, LogLine
    from wasmhost.sandbox.traps import TrapReport


@dataclass(frozen=True, slots=True)
class Report:
    """A finding, and its body as the bytes that were sent."""

    topic: str
    data: bytes

    @property
    def body(self) -> Any:  # Any: whatever the author puts into it
        """The body, decoded."""
        return cbor2.loads(self.data)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one event brought about. After a panic only logs are there, and the whole budget is spent."""

    fuel: int
    logs: tuple[LogLine, ...]
    reports: tuple[Report, ...]
    metrics: tuple[CounterAdd | GaugeSet, ...]
    state: bytes | None
    error: str | None
    panic: TrapReport | None
