"""What is counted of one observer's hook: how its events ended, what they cost, how long they took.

All of it is one list of numbers with fixed places, because it is written on every delivery, and because a
shard tells its host of it: what grew is one list subtracted from another, and goes over as it is.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import add
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from wasmhost.panics.record import PanicKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DropReason = Literal["mailbox_full", "closing", "too_large", "no_sandbox"]
DropCounts = dict[tuple[str, DropReason], int]
"""How many events of which hook were dropped, and why: those that a mailbox gave up."""

FUEL_BOUNDS: Final = (
    100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000,
    1_000_000, 3_000_000, 10_000_000, 100_000_000, 1_000_000_000,
)  # fmt: skip
"""Upper bounds of the buckets for fuel; above the last there is one more."""
TIME_BOUNDS_NS: Final = (
    2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 1_000_000_000,
)  # fmt: skip
"""The same for nanoseconds."""
PANIC_KINDS: Final = (*(kind.value for kind in PanicKind), "exception", "bug")
"""Those of guests; ``exception``, of an observer in Python; ``bug``: wasmhost failed to serve it."""
DROP_REASONS: Final[tuple[DropReason, ...]] = ("mailbox_full", "closing", "too_large", "no_sandbox")

_SKIPPED: Final = 0
_DISGUISED: Final = 1
_FUEL_SUM: Final = 2
_TIME_SUM: Final = 3
_PANICS: Final = 4
_DROPPED: Final = _PANICS + len(PANIC_KINDS)
_FUEL: Final = _DROPPED + len(DROP_REASONS)
_TIME: Final = _FUEL + len(FUEL_BOUNDS) + 1
NUMBERS: Final = _TIME + len(TIME_BOUNDS_NS) + 1
"""How many numbers a tally is."""

_PANIC_PLACE: Final = {kind: _PANICS + place for place, kind in enumerate(PANIC_KINDS)}
_DROP_PLACE: Final = {reason: _DROPPED + place for place, reason in enumerate(DROP_REASONS)}
_MOST_FUEL: Final = 10**15  # what a configuration may allow
_MOST_NS: Final = 10**15  # days: a process may have been stopped meanwhile


class Histogram(NamedTuple):
    """Counts of values by buckets, one more than there are bounds, and the sum of all values."""

    bounds: tuple[int, ...]
    counts: tuple[int, ...]
    sum: int

    @property
    def total(self) -> int:
        """How many values there were."""
        return sum(self.counts)


class HookTally:
    """Counts of one hook of one observer. Written by one thread at a time, and read by any."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Sequence[int] | None = None) -> None:
        self.numbers = [0] * NUMBERS if numbers is None else list(numbers)

    def delivered(self, fuel: int, took_ns: int) -> None:
        """Count an event that was delivered. The hot path."""
        numbers = self.numbers
        numbers[_FUEL + bisect_left(FUEL_BOUNDS, fuel)] += 1
        numbers[_FUEL_SUM] += fuel
        numbers[_TIME + bisect_left(TIME_BOUNDS_NS, took_ns)] += 1
        numbers[_TIME_SUM] += took_ns

    def panicked(self, kind: str) -> None:
        """Count an event that ended in a panic, of one of `PANIC_KINDS`."""
        self.numbers[_PANIC_PLACE[kind]] += 1

    def dropped(self, reason: DropReason) -> None:
        """Count an event that was given up."""
        self.numbers[_DROP_PLACE[reason]] += 1

    def skipped(self) -> None:
        """Count an event that came in quarantine."""
        self.numbers[_SKIPPED] += 1

    def disguised(self) -> None:
        """Count an event that was shown otherwise than it is."""
        self.numbers[_DISGUISED] += 1

    def grow(self, by: Sequence[int]) -> None:
        """Add the numbers of another."""
        self.numbers = list(map(add, self.numbers, by))

    def told(self) -> HookCounts:
        """Say it in words. Safe from any thread."""
        numbers = tuple(self.numbers)  # at once: its worker may be adding to it
        return HookCounts(
            skipped=numbers[_SKIPPED],
            disguised=numbers[_DISGUISED],
            panics=_named(PANIC_KINDS, numbers[_PANICS:_DROPPED]),
            dropped=_named(DROP_REASONS, numbers[_DROPPED:_FUEL]),
            fuel=Histogram(FUEL_BOUNDS, numbers[_FUEL:_TIME], numbers[_FUEL_SUM]),
            time_ns=Histogram(TIME_BOUNDS_NS, numbers[_TIME:], numbers[_TIME_SUM]),
        )

    @property
    def given(self) -> int:
        """How many events the hook was called with."""
        numbers = self.numbers
        return sum(numbers[_TIME:]) + sum(numbers[_PANICS:_DROPPED])


class HookCounts(NamedTuple):
    """What one hook's tally says; ``panics`` by kind and ``dropped`` by reason, those that there were."""

    skipped: int
    disguised: int
    panics: Mapping[str, int]
    dropped: Mapping[str, int]
    fuel: Histogram
    time_ns: Histogram

    @property
    def delivered(self) -> int:
        """How many events were delivered."""
        return self.time_ns.total


def what_is_wrong(numbers: Sequence[int]) -> str | None:
    """Say why these can be no tally, whoever wrote them; None where they can."""
    fuel, time = numbers[_FUEL:_TIME], numbers[_TIME:]
    if sum(fuel) != sum(time):
        return "a hook's fuel and time are of different numbers of deliveries"
    if not _possible(FUEL_BOUNDS, fuel, numbers[_FUEL_SUM], _MOST_FUEL):
        return "a hook's fuel is not the sum of what its deliveries cost"
    if not _possible(TIME_BOUNDS_NS, time, numbers[_TIME_SUM], _MOST_NS):
        return "a hook's time is not the sum of what its deliveries took"
    return None


def disposed(numbers: Sequence[int]) -> tuple[int, int, int, int]:
    """Count the letters of a tally: delivered, panicked, skipped and dropped."""
    panics, dropped = sum(numbers[_PANICS:_DROPPED]), sum(numbers[_DROPPED:_FUEL])
    return sum(numbers[_TIME:]), panics, numbers[_SKIPPED], dropped


def disguises(numbers: Sequence[int]) -> int:
    """Count the events of a tally that were shown in disguise."""
    return numbers[_DISGUISED]


def _possible(bounds: Sequence[int], counts: Sequence[int], total: int, most: int) -> bool:
    """Whether so many values in each bucket can come to this sum."""
    low = sum(count * bound for count, bound in zip(counts[1:], bounds, strict=True))
    high = sum(count * bound for count, bound in zip(counts, (*bounds, most), strict=True))
    return low <= total <= high


def _named(names: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    return {name: number for name, number in zip(names, numbers, strict=True) if number}
