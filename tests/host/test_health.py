"""Backoff and quarantine, as pure state machines: the time is whatever the test says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost import Quarantine
from wasmhost.backoff import Backoff
from wasmhost.host.health import QuarantineGate

RULE = Quarantine(panics=3, within=10, probe=5)


class Longest(random.Random):
    """No jitter: always the nominal wait."""

    def uniform(self, a: float, b: float) -> float:
        """Give the upper bound."""
        return max(a, b)


def test_each_panic_in_a_row_doubles_the_wait_up_to_the_longest() -> None:
    """From the first to the longest, and no further."""
    backoff = Backoff(1, 10, Longest())
    assert [backoff.failed() for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_delivery_that_returns_starts_the_waits_anew() -> None:
    """One success is enough."""
    backoff = Backoff(1, 10, Longest())
    backoff.failed()
    backoff.failed()
    backoff.succeeded()
    assert backoff.failed() == 1


@given(
    first=st.floats(0.001, 100),
    longest=st.floats(0.001, 10_000),
    panics=st.integers(1, 200),
    seed=st.integers(),
)
def test_a_wait_is_between_half_its_nominal_length_and_all_of_it(
    first: float, longest: float, panics: int, seed: int
) -> None:
    """Whatever the settings, and however long it goes on."""
    backoff = Backoff(first, longest, random.Random(seed))
    for number in range(panics):
        nominal = min(longest, first * 2.0 ** min(number, 64))
        assert nominal / 2 <= backoff.failed() <= nominal


def test_no_backoff_is_no_wait_for_ever() -> None:
    """Zero and zero: a file is read at once."""
    backoff = Backoff(0, 0, random.Random())
    assert {backoff.failed() for _ in range(2_000)} == {0}


@pytest.mark.parametrize("start", [0.0, 1e9])
def test_panics_within_the_window_put_the_hook_in_quarantine(start: float) -> None:
    """The one that makes the number full says so, and from then on nothing is admitted."""
    gate = QuarantineGate(RULE)
    assert [gate.panicked("a", start + now) for now in (0, 5, 10)] == [False, False, True]
    assert gate.quarantined() == {"a"}
    assert not gate.admits("a", start + 10)
    assert not gate.admits("a", start + 14.9)


def test_panics_that_are_further_apart_do_not() -> None:
    """Whatever happened before the window is forgotten."""
    gate = QuarantineGate(RULE)
    assert not any(gate.panicked("a", now) for now in (0, 5, 10.1, 15.2, 20.3))
    assert gate.quarantined() == frozenset()
    assert gate.admits("a", 20.3)


def test_after_a_while_one_event_is_let_in_and_its_success_opens_the_gate() -> None:
    """And what happened before is forgotten then."""
    gate = QuarantineGate(RULE)
    for _ in range(3):
        gate.panicked("a", 0)
    assert gate.admits("a", 5)
    assert gate.quarantined() == {"a"}  # still on trial
    assert gate.succeeded("a")
    assert gate.quarantined() == frozenset()
    assert gate.calm
    assert not gate.panicked("a", 5)


def test_a_probe_that_panics_shuts_the_gate_again() -> None:
    """At once, for as long, and without entering quarantine a second time."""
    gate = QuarantineGate(RULE)
    for _ in range(3):
        gate.panicked("a", 0)
    for now in (5.0, 100.0, 105.0):
        assert gate.admits("a", now)
        assert not gate.panicked("a", now)
        assert not gate.admits("a", now + 4.9)
        assert gate.quarantined() == {"a"}


def test_a_probe_that_never_ran_is_let_in_again() -> None:
    """There was no sandbox for it, say."""
    gate = QuarantineGate(RULE)
    for _ in range(3):
        gate.panicked("a", 0)
    assert gate.admits("a", 5)
    assert gate.admits("a", 6)
    assert gate.succeeded("a")


def test_each_hook_is_on_its_own() -> None:
    """A poison event of one hook costs the others nothing."""
    gate = QuarantineGate(RULE)
    for now in range(3):
        gate.panicked("a", now)
        gate.panicked("b", 0.1 * now) if now else None
    assert gate.quarantined() == {"a"}
    assert gate.admits("b", 3)
    assert not gate.succeeded("b")


def test_without_a_rule_the_gate_never_shuts() -> None:
    """Quarantine can be switched off."""
    gate = QuarantineGate(None)
    assert not any(gate.panicked("a", 0) for _ in range(1_000))
    assert gate.calm
    assert gate.admits("a", 0)


def test_one_panic_is_enough_where_the_rule_says_so() -> None:
    """The smallest rule there is."""
    gate = QuarantineGate(Quarantine(panics=1, within=0, probe=1))
    assert gate.panicked("a", 7)
    assert not gate.admits("a", 7)


def test_all_is_calm_again_when_the_last_panic_is_out_of_the_window() -> None:
    """Then no clock need be read any more."""
    gate = QuarantineGate(RULE)
    gate.panicked("a", 0)
    assert gate.admits("a", 10)
    assert not gate.calm
    assert gate.admits("b", 10.1)
    assert gate.calm


def test_memory_is_bounded_however_often_a_probe_panics() -> None:
    """A probe may be let in a thousand times within the window."""
    gate = QuarantineGate(Quarantine(panics=3, within=1_000_000, probe=1))
    for now in range(5_000):
        assert gate.admits("a", now)
        gate.panicked("a", now)
    assert len(gate._records["a"].panics) <= 3


@given(
    panics=st.integers(1, 5),
    within=st.integers(0, 20),
    probe=st.integers(1, 20),
    outcomes=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60),
)
def test_the_gate_does_what_its_description_says(
    panics: int, within: int, probe: int, outcomes: list[tuple[int, bool]]
) -> None:
    """In events as well as in seconds: against the rule in its plainest form."""
    gate = QuarantineGate(Quarantine(panics, within, probe))
    now = 0
    seen: list[int] = []
    shut_until: int | None = None
    for pause, good in outcomes:
        now += pause
        admitted = shut_until is None or now >= shut_until
        assert gate.admits("a", now) == admitted
        if not admitted:
            continue
        if good:
            assert gate.succeeded("a") == (shut_until is not None)
            if shut_until is not None:
                seen, shut_until = [], None
            continue
        seen.append(now)
        many = len([when for when in seen if now - when <= within]) >= panics
        entered = gate.panicked("a", now)
        assert entered == (many and shut_until is None)
        if many or shut_until is not None:
            shut_until = now + probe
        assert gate.quarantined() == ({"a"} if shut_until is not None else frozenset())
