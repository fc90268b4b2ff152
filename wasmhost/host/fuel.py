"""Fuel of deliveries, counted: what a delivery costs is a number, and most cost the same as others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT: Final = 4096  # distinct values kept as they are
_SIGNIFICANT_BITS: Final = 8  # beyond that a value is kept to under 1 %


@dataclass(frozen=True, slots=True)
class FuelSummary:
    """Fuel per delivery."""

    p50: int
    p99: int
    max: int


class FuelTally:
    """Exact while it varies little, then to under 1 %, in bounded memory. The sum is always exact.

    Written by one thread at a time, and read by any.
    """

    __slots__ = ("_coarse", "_counts", "_cut", "_largest")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._coarse = False
        self._cut = 0  # what rounding took away, of all values
        self._largest = 0

    def add(self, fuel: int, times: int = 1) -> None:
        """Count one delivery, or several that cost the same."""
        if fuel > self._largest:
            self._largest = fuel
        if self._coarse:
            exact, fuel = fuel, _round(fuel)
            self._cut += (exact - fuel) * times
        counts = self._counts
        counts[fuel] = counts.get(fuel, 0) + times
        if len(counts) > _EXACT and not self._coarse:
            self._coarsen()

    def include(self, other: FuelTally) -> None:
        """Count all that another has counted."""
        for fuel, times in other.counts.items():
            self.add(fuel, times)
        self._cut += other._cut
        self._largest = max(self._largest, other._largest)

    def quantiles(self) -> FuelSummary | None:
        """Give the median, the 99th percentile and the largest; None when nothing was delivered.

        Safe from any thread.
        """
        counts = self.counts
        if not counts:
            return None
        ordered, total = sorted(counts.items()), sum(counts.values())
        return FuelSummary(_quantile(ordered, total, 50), _quantile(ordered, total, 99), self._largest)

    @property
    def counts(self) -> dict[int, int]:
        """How many deliveries cost what."""
        return self._counts.copy()  # at once: its worker may be adding to it

    @property
    def sum(self) -> int:
        """What all of them cost together."""
        return sum(fuel * count for fuel, count in self.counts.items()) + self._cut

    def below(self, bounds: Sequence[int]) -> list[int]:
        """Count the deliveries that cost less than each bound, and all of them, by buckets.

        Exact for bounds that are powers of two: rounding carries no value over one.
        """
        found = [0] * (len(bounds) + 1)
        for fuel, count in self.counts.items():
            place = next((place for place, bound in enumerate(bounds) if fuel < bound), len(bounds))
            found[place] += count
        return found

    def _coarsen(self) -> None:
        self._coarse = True
        rounded = Counter[int]()
        for fuel, count in self._counts.items():
            rounded[_round(fuel)] += count
            self._cut += (fuel - _round(fuel)) * count
        self._counts = dict(rounded)


def _round(fuel: int) -> int:
    shift = max(0, fuel.bit_length() - _SIGNIFICANT_BITS)
    return fuel >> shift << shift


def _quantile(ordered: list[tuple[int, int]], total: int, percent: int) -> int:
    """Give the smallest value that at least ``percent`` of all are not above."""
    needed = -(-total * percent // 100)
    seen = 0
    for value, count in ordered:
        seen += count
        if seen >= needed:
            return value
    return ordered[-1][0]
