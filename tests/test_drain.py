"""How long a host may take to end: one span for all it waits for."""

from __future__ import annotations

import pytest

from wasmhost import drain as drains
from wasmhost.drain import Drain


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """The time."""
        return self.now


def test_what_one_takes_the_next_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """But never less than a fifth: what was reported in time is to be written."""
    clock = Clock()
    monkeypatch.setattr(drains, "time", clock)
    drain = Drain(10)
    assert drain.left_s == 10
    clock.now += 50
    assert drain.left_s == 10, "it has not begun"
    drain.begin(5)
    assert drain.left_s == 5
    clock.now += 3
    assert drain.left_s == pytest.approx(2)
    clock.now += 30
    assert drain.left_s == pytest.approx(1)


def test_a_lossless_run_takes_as_long_as_it_takes() -> None:
    """Unless it is to end now."""
    drain = Drain(None)
    assert drain.left_s is None
    drain.begin(None)
    assert drain.left_s is None
    drain.begin(2)
    assert drain.left_s == pytest.approx(2, abs=1)
