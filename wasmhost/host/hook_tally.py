"""What is counted of one observer's hook: how its events ended, what they cost, how long they took.

It is made to be written: a delivery costs it four steps. What a shard counted goes to its host as a list of
numbers with fixed places, and the fuel as it is.
"""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from wasmhost.host.fuel import FuelTally
from wasmhost.panics.record import PanicKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DropReason = Literal["mailbox_full", "closing", "too_large", "no_sandbox"]
DropCounts = dict[tuple[str, DropReason], int]
"""How many events of which hook were dropped, and why: those that a mailbox gave up."""

FUEL_BOUNDS: Final = tuple(1 << bits for bits in range(8, 32, 2))
"""What the fuel in each bucket is less than; behind the last there is one more bucket."""
TIME_BOUNDS_NS: Final = tuple(1 << bits for bits in range(10, 31))
"""The same for nanoseconds: from a microsecond to a second."""
PANIC_KINDS: Final = (*(kind.value for kind in PanicKind), "exception", "bug")
"""Those of guests; ``exception``, of an observer in Python; ``bug``: wasmhost failed to serve it."""
DROP_REASONS: Final[tuple[DropReason, ...]] = ("mailbox_full", "closing", "too_large", "no_sandbox")

_SKIPPED: Final = 0
_DISGUISED: Final = 1
_PANICS: Final = 2
_DROPPED: Final = _PANICS + len(PANIC_KINDS)
TIME_SUM: Final = _DROPPED + len(DROP_REASONS)
"""The place of the sum of nanoseconds."""
TIMES: Final = TIME_SUM + 1
"""From here on, how many deliveries took a number of nanoseconds of so many bits: that is quick to say."""
NUMBERS: Final = TIMES + 64
"""How many numbers a tally is."""

_PANIC_PLACE: Final = {kind: _PANICS + place for place, kind in enumerate(PANIC_KINDS)}
_DROP_PLACE: Final = {reason: _DROPPED + place for place, reason in enumerate(DROP_REASONS)}


class Histogram(NamedTuple):
    """Counts of values by buckets: what is less than each bound, and not less than the one before it.

    Behind the last bound there is one more. ``sum`` is that of all values.
    """

    bounds: tuple[int, ...]
    counts: tuple[int, ...]
    sum: int

    @property
    def total(self) -> int:
        """How many values there were."""
        return sum(self.counts)


class HookTally:
    """Counts of one hook of one observer. Written by one thread at a time, and read by any.

    ``times``: how many deliveries took a number of nanoseconds of so many bits.
    """

    __slots__ = ("_mishaps", "fuel", "time_sum", "times")

    def __init__(self) -> None:
        self.fuel = FuelTally()
        self.times = [0] * 64
        self.time_sum = 0
        self._mishaps = [0] * TIME_SUM

    def delivered(self, fuel: int, took_ns: int) -> None:
        """Count an event that was delivered. `GuestRunner` does it by itself."""
        self.fuel.add(fuel)
        self.times[took_ns.bit_length()] += 1
        self.time_sum += took_ns

    @property
    def numbers(self) -> list[int]:
        """All but the fuel. Safe from any thread."""
        return [*self._mishaps, self.time_sum, *self.times]

    def panicked(self, kind: str) -> None:
        """Count an event that ended in a panic, of one of `PANIC_KINDS`."""
        self._mishaps[_PANIC_PLACE[kind]] += 1

    def dropped(self, reason: DropReason) -> None:
        """Count an event that was given up."""
        self._mishaps[_DROP_PLACE[reason]] += 1

    def skipped(self) -> None:
        """Count an event that came in quarantine."""
        self._mishaps[_SKIPPED] += 1

    def disguised(self) -> None:
        """Count an event that was shown otherwise than it is."""
        self._mishaps[_DISGUISED] += 1

    def grow(self, numbers: Sequence[int], fuel: Sequence[tuple[int, int]]) -> None:
        """Add what somebody else counted: their numbers, and how often what was spent."""
        self._mishaps = list(map(add, self._mishaps, numbers[:TIME_SUM]))
        self.time_sum += numbers[TIME_SUM]
        self.times = list(map(add, self.times, numbers[TIMES:]))
        for cost, times in fuel:
            self.fuel.add(cost, times)

    def told(self) -> HookCounts:
        """Say it in words. Safe from any thread."""
        numbers = self.numbers
        return HookCounts(
            skipped=numbers[_SKIPPED],
            disguised=numbers[_DISGUISED],
            panics=_named(PANIC_KINDS, numbers[_PANICS:_DROPPED]),
            dropped=_named(DROP_REASONS, numbers[_DROPPED:TIME_SUM]),
            fuel=Histogram(FUEL_BOUNDS, tuple(self.fuel.below(FUEL_BOUNDS)), self.fuel.sum),
            time_ns=Histogram(TIME_BOUNDS_NS, _by_bounds(numbers[TIMES:]), numbers[TIME_SUM]),
        )

    @property
    def given(self) -> int:
        """How many events the hook was called with."""
        return sum(self.times) + sum(self._mishaps[_PANICS:_DROPPED])


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


def what_is_wrong(numbers: Sequence[int], fuel: Sequence[tuple[int, int]]) -> str | None:
    """Say why these can be no hook's, whoever counted them; None where they can."""
    times = numbers[TIMES:]
    if sum(count for _cost, count in fuel) != sum(times):
        return "a hook's fuel and time are of different numbers of deliveries"
    least = sum(count * (1 << bits >> 1) for bits, count in enumerate(times))
    most = sum(count << bits for bits, count in enumerate(times))
    if not least <= numbers[TIME_SUM] <= most:
        return "a hook's time is not the sum of what its deliveries took"
    return None


def disposed(numbers: Sequence[int]) -> tuple[int, int, int, int]:
    """Count the letters of a tally: delivered, panicked, skipped and dropped."""
    panics, dropped = sum(numbers[_PANICS:_DROPPED]), sum(numbers[_DROPPED:TIME_SUM])
    return sum(numbers[TIMES:]), panics, numbers[_SKIPPED], dropped


def disguises(numbers: Sequence[int]) -> int:
    """Count the events of a tally that were shown in disguise."""
    return numbers[_DISGUISED]


def _by_bounds(by_bits: Sequence[int]) -> tuple[int, ...]:
    """Sort counts by bits into the buckets that are told."""
    first, last = TIME_BOUNDS_NS[0].bit_length(), TIME_BOUNDS_NS[-1].bit_length()
    return sum(by_bits[:first]), *by_bits[first:last], sum(by_bits[last:])


def _named(names: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    return {name: number for name, number in zip(names, numbers, strict=True) if number}
