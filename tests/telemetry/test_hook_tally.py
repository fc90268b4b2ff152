"""A hook's tally: what a shard tells is what was counted there, and what cannot be is not believed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.host.fuel import FuelTally
from wasmhost.host.hook_tally import (
    FUEL_BOUNDS,
    NUMBERS,
    TIME_BOUNDS_NS,
    TIMES,
    HookTally,
    disposed,
    what_is_wrong,
)

DELIVERIES = st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**13)), max_size=30)


def counted(deliveries: list[tuple[int, int]]) -> HookTally:
    """Count deliveries by their fuel and time."""
    tally = HookTally()
    for fuel, took_ns in deliveries:
        tally.delivered(fuel, took_ns)
    return tally


@given(DELIVERIES)
def test_buckets_hold_what_is_less_than_their_bounds(deliveries: list[tuple[int, int]]) -> None:
    """And not less than the bound before; the sums are exact."""
    told = counted(deliveries).told()
    for histogram, place, bounds in ((told.fuel, 0, FUEL_BOUNDS), (told.time_ns, 1, TIME_BOUNDS_NS)):
        values = [delivery[place] for delivery in deliveries]
        edges = [0, *bounds, 1 << 64]
        between = pairwise(edges)
        assert list(histogram.counts) == [sum(low <= each < high for each in values) for low, high in between]
        assert (histogram.sum, histogram.total) == (sum(values), len(values))


@given(st.lists(DELIVERIES, max_size=4))
def test_what_others_counted_is_added(parts: list[list[tuple[int, int]]]) -> None:
    """As if it had been counted here."""
    together, whole = HookTally(), counted([each for part in parts for each in part])
    for part in parts:
        tally = counted(part)
        fuel = list(tally.fuel.counts.items())
        assert what_is_wrong(tally.numbers, fuel) is None
        assert disposed(tally.numbers) == (len(part), 0, 0, 0)
        together.grow(tally.numbers, fuel)
    assert together.told() == whole.told()
    assert together.given == whole.given


@given(DELIVERIES.filter(bool), st.integers(0, 2**64 - 1))
def test_a_sum_of_times_that_cannot_be_is_found(deliveries: list[tuple[int, int]], claimed: int) -> None:
    """What can be is twice as much as it was, at most."""
    tally = counted(deliveries)
    true = tally.time_sum
    tally.time_sum = claimed
    wrong = what_is_wrong(tally.numbers, list(tally.fuel.counts.items()))
    if claimed > 2 * true + len(deliveries) or 2 * claimed < true:
        assert wrong == "a hook's time is not the sum of what its deliveries took"


@pytest.mark.parametrize("more", [-1, 1])
def test_fuel_of_other_deliveries_is_found(more: int) -> None:
    """Each delivery has a fuel and a time."""
    tally = counted([(5, 5), (5, 9)])
    wrong = what_is_wrong(tally.numbers, [(5, 2 + more)])
    assert wrong == "a hook's fuel and time are of different numbers of deliveries"


def test_all_that_is_sent_is_a_list_of_so_many_numbers() -> None:
    """The longest time there can be has its place too."""
    tally = counted([(1, 2**62)])
    assert len(tally.numbers) == NUMBERS
    assert tally.numbers[TIMES + 63] == 1


def test_a_sum_of_fuel_stays_exact_when_its_values_are_rounded() -> None:
    """There are more different ones than are kept; and no bucket has another count for it."""
    tally = FuelTally()
    values = [1_000_003 + 977 * number for number in range(6_000)]
    for fuel in values:
        tally.add(fuel)
    assert tally.sum == sum(values)
    assert len(tally.counts) < 4096
    edges = [0, *FUEL_BOUNDS, 1 << 64]
    between = pairwise(edges)
    assert tally.below(FUEL_BOUNDS) == [sum(low <= each < high for each in values) for low, high in between]
    both = FuelTally()
    both.include(tally)
    both.include(tally)
    assert both.sum == 2 * sum(values)
