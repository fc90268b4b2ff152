"""How fast one connection may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.sources.pace import Pace


def test_a_seconds_worth_may_come_at_once() -> None:
    """And then as much rest as it is over."""
    pace = Pace(100, 0, 0.0)
    assert pace.rest(100, 10**9, 0.0) == 0
    assert pace.rest(50, 0, 0.0) == pytest.approx(0.5)
    assert pace.rest(0, 0, 0.5) == pytest.approx(0)
    assert pace.rest(100, 0, 60.0) == 0  # what was not used is not kept for longer than a second
    assert pace.rest(1, 0, 60.0) == pytest.approx(0.01)


def test_the_slower_of_the_two_counts() -> None:
    """Events or bytes."""
    pace = Pace(10, 1000, 0.0)
    assert pace.rest(20, 1100, 0.0) == pytest.approx(1.0)
    assert pace.rest(0, 1900, 1.0) == pytest.approx(1.0)


def test_no_rate_is_no_rest() -> None:
    """Whatever comes."""
    assert Pace(0, 0, 0.0).rest(10**9, 10**12, 0.0) == 0


@given(
    st.floats(0.5, 1e6),
    st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 10)), max_size=40),
)
def test_who_rests_as_told_is_never_faster_than_the_rate(rate: float, reads: list[tuple[int, float]]) -> None:
    """Over any time: what was read at its end is at most a second's worth and the last read more."""
    pace = Pace(rate, 0, 0.0)
    now = 0.0
    total = 0
    for count, pause in reads:
        total += count
        now += pace.rest(count, 0, now)
        assert total <= rate * (now + 1) * (1 + 1e-6) + 1e-6
        now += pause
