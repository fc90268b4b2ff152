"""Fuel quantiles, against exact ones."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from wasmhost.host.fuel import FuelTally


def exact(values: list[int], percent: int) -> int:
    """Give the smallest value that at least that share of all values are not above."""
    ordered = sorted(values)
    return next(value for place, value in enumerate(ordered, 1) if place * 100 >= percent * len(ordered))


def tally(values: list[int]) -> FuelTally:
    """Count values."""
    made = FuelTally()
    for value in values:
        made.add(value)
    return made


def test_nothing_delivered_has_no_quantiles() -> None:
    """There is no median of nothing."""
    assert FuelTally().quantiles() is None


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=200))
def test_quantiles_are_exact_while_there_are_few_values(values: list[int]) -> None:
    """Whatever they are."""
    found = tally(values).quantiles()
    assert found is not None
    assert (found.p50, found.p99, found.max) == (exact(values, 50), exact(values, 99), max(values))


@settings(deadline=None)  # thousands of values, on a machine that may be busy
@given(st.integers(0, 2**32), st.floats(1.0001, 1.01))
def test_of_very_many_values_quantiles_are_right_to_under_one_percent(start: int, factor: float) -> None:
    """And the largest stays exact; memory is bounded."""
    values = [int(start + 100 * factor**power) for power in range(5_000)]
    made = tally(values)
    found = made.quantiles()
    assert found is not None
    assert found.max == max(values)
    for given_value, right in ((found.p50, exact(values, 50)), (found.p99, exact(values, 99))):
        assert right * 0.99 < given_value <= right


def test_memory_is_bounded_whatever_a_guest_spends() -> None:
    """A guest chooses its fuel, so also how many different values there are."""
    made = tally([value * 7919 for value in range(50_000)])
    assert len(made._counts) < 4096 * 2


def test_quantiles_can_be_asked_for_while_a_worker_adds() -> None:
    """The summary is made on another thread."""
    made = FuelTally()
    made.add(1)
    stop = threading.Event()

    def work() -> None:
        value = 0
        while not stop.is_set():
            value += 1
            made.add(value)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(300):
            assert made.quantiles() is not None
    finally:
        stop.set()
        worker.join()
