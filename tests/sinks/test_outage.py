"""Ages of what waits, by clocks that do as they like."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.sinks.helpers import Sending, delivery, lines, report, until
from tests.sinks.test_outbox import file
from wasmhost.sinks.outage import Outage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_DAY: Final = 86_400 * 1_000_000_000
_START: Final = 20_000 * _DAY


class Clocks:
    """Both clocks, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = _START, 5 * _DAY
        monkeypatch.setattr(time, "time_ns", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady)

    def go(self, days: int, *, jump: int = 0) -> None:
        """Let time pass, and have the clock on the wall jump."""
        self.steady += days * _DAY
        self.wall += (days + jump) * _DAY


def test_what_waited_before_grows_older_by_what_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what an earlier run left; jumps of the clock in either direction change nothing."""
    clocks = Clocks(monkeypatch)
    outage = Outage.now()
    assert outage.age_ns(_START - 2 * _DAY) == 2 * _DAY
    for jump in (0, 365, -700):
        before = outage.age_ns(_START - 2 * _DAY)
        clocks.go(1, jump=jump)
        assert outage.age_ns(_START - 2 * _DAY) == before + _DAY


def test_what_comes_later_is_no_older_than_the_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump forwards makes it as old at most as the time for which nothing has worked."""
    clocks = Clocks(monkeypatch)
    outage = Outage.now()
    clocks.go(1)
    queued = clocks.wall
    clocks.go(1)
    assert outage.age_ns(queued) == _DAY
    clocks.go(0, jump=365)
    assert outage.age_ns(queued) == 2 * _DAY


async def test_a_clock_that_jumps_while_a_sink_is_down_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month ahead in one step: nothing becomes a dead letter, and all is sent once it works."""
    path = tmp_path / "file.ndjson"
    sink = file(tmp_path)
    async with delivery(tmp_path, sink, drain_s=20) as sending:
        path.unlink()
        path.mkdir()  # from here on it fails
        sending.put(*(report(seq) for seq in range(10)))
        await sending.until("file", waiting=10)
        await _fails_on(sending, 1)
        wall = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: wall() + 30 * _DAY)
        sending.put(report(10))
        await _fails_on(sending, 5)
        assert sending.status("file")["dead"] == 0
        path.rmdir()
    assert len(lines(path)) == 11
    assert not list(tmp_path.glob("*.dead.ndjson"))


async def _fails_on(sending: Sending, tries: int) -> None:
    """Wait until so many more tries have failed."""
    wanted = sending.status("file")["tries_failed"] + tries
    await until(lambda: sending.status("file")["tries_failed"] >= wanted)
