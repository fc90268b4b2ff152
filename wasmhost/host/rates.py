"""How much an observer may ask for in how much time: token buckets, as pure state machines.

Nothing here reads a clock. ``now`` is given in seconds: of a monotonic clock, or, where the source is a
file, of the run's events, `EVENTS_A_SECOND` of which are a second. A file is read as fast as it can be,
so by the clock what passes would differ from run to run and from machine to machine; by the number of
the event it is the same each time. The events' own times would not do: whoever made the file chose them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from wasmhost.config import Rates

EVENTS_A_SECOND: Final = 100
"""In a lossless run. So a rate of 100 a second is one an event there, whatever the file's own times say."""
_KIB: Final = 1024


class Bucket:
    """Lets pass what comes at up to ``rate`` a second, and ``burst`` seconds' worth at once.

    Whoever finds anything in it may take as much as they need: what is larger than the bucket passes
    too, and the debt is paid off before the next. A rate of 0 lets nothing pass.
    """

    __slots__ = ("_at", "_level", "_most", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._most = self._level = rate * burst
        self._at: float | None = None

    def has_any(self, now: float) -> bool:
        """Whether something may pass now."""
        if self._at is not None and now > self._at:
            self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now if self._at is None else max(now, self._at)
        return self._level > 0

    def take(self, amount: float) -> None:
        """Pay for what passes."""
        self._level -= amount


class Meter:
    """Two buckets for things of a size: how many of them, and how many bytes. Both must have some."""

    __slots__ = ("_bytes", "_count")

    def __init__(self, count: float, kib: float, burst: float) -> None:
        self._count = Bucket(count, burst)
        self._bytes = Bucket(kib * _KIB, burst)

    def admits(self, size: int, now: float) -> bool:
        """Let one thing of ``size`` bytes pass, or say that it may not."""
        if not (self._count.has_any(now) and self._bytes.has_any(now)):
            return False
        self._count.take(1)
        self._bytes.take(size)
        return True


class Unlimited(Meter):
    """Lets everything pass."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(0, 0, 0)

    def admits(self, size: int, now: float) -> bool:  # noqa: ARG002 - the face of a meter
        """Let it pass."""
        return True


class Meters(NamedTuple):
    """The meters of one observer: for its log lines, its reports, and the writes of its state."""

    logs: Meter
    reports: Meter
    state: Meter

    @classmethod
    def of(cls, rates: Rates | None) -> Meters:
        """Make them; ``rates`` None: nothing is ever too much."""
        if rates is None:
            return cls(Unlimited(), Unlimited(), Unlimited())
        return cls(
            Meter(rates.logs, rates.log_kib, rates.burst),
            Meter(rates.reports, rates.report_kib, rates.burst),
            Meter(rates.state, rates.state_kib, rates.burst),
        )
