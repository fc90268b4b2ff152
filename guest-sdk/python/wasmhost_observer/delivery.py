"""What an observer may know of the delivery it is in. Always granted."""

from __future__ import annotations

from typing import Final

from wasmhost_observer import raw

_now: Final = raw.imported("delivery", "now")
_sequence: Final = raw.imported("delivery", "sequence")
_lost: Final = raw.imported("delivery", "lost")
_random: Final = raw.imported("delivery", "random")

current_source: str | None = None
"""Set before each hook is called; for authors there is `source`."""


def now() -> int:
    """Return the event's own time, in Unix nanoseconds.

    It does not move while a hook runs, and is the same in a replay.
    """
    time: int = _now()
    return time


def sequence() -> int:
    """Return the event's sequence number, contiguous per source."""
    number: int = _sequence()
    return number


def lost() -> int:
    """Return how many events were lost for this observer since its previous delivery."""
    count: int = _lost()
    return count


def random() -> int:
    """Return the next number, of 64 bits, of a stream that a replay repeats. No secret."""
    number: int = _random()
    return number


def source() -> str | None:
    """Return the emitter instance the event comes from, where it says."""
    return current_source
