"""How fast one connection may go: what is over its rates is left in the socket for a while."""

from __future__ import annotations


class Pace:
    """Up to ``events_s`` events and ``bytes_s`` bytes a second; 0 for as many as come. Times are seconds.

    A second's worth may come at once. What was read is read, so it may go into debt, and then it
    rests for as long as the debt takes.
    """

    __slots__ = ("_bytes", "_events")

    def __init__(self, events_s: float, bytes_s: float, now: float) -> None:
        self._events = _Bucket(events_s, now) if events_s else None
        self._bytes = _Bucket(bytes_s, now) if bytes_s else None

    def rest(self, events: int, size: int, now: float) -> float:
        """Charge what was just read; returns the seconds to read nothing."""
        by_events = self._events.spend(events, now) if self._events is not None else 0.0
        by_bytes = self._bytes.spend(size, now) if self._bytes is not None else 0.0
        return max(by_events, by_bytes)


class _Bucket:
    __slots__ = ("_at", "_credit", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._credit = rate
        self._at = now

    def spend(self, amount: int, now: float) -> float:
        self._credit = min(self._rate, self._credit + (now - self._at) * self._rate) - amount
        self._at = now
        return -self._credit / self._rate if self._credit < 0 else 0.0
