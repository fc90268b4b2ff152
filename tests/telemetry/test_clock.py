"""The wall clock jumps by years, both ways, at every look: no wait, rate, window or count minds it."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    PEER,
    SAY,
    TRAP,
    MemorySink,
    accounted,
    config,
    guest,
    quiet,
)
from wasmhost import ObserverHost, Quarantine, Rates, WebRtcConnected

if TYPE_CHECKING:
    from pathlib import Path

YEAR_NS = 365 * 24 * 3600 * 10**9


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the wall clock jump."""
    now = time.time_ns()
    jumps = itertools.cycle([0, 10 * YEAR_NS, -5 * YEAR_NS, 20 * YEAR_NS])
    monkeypatch.setattr(time, "time_ns", lambda: now + next(jumps))
    monkeypatch.setattr(time, "time", lambda: (now + next(jumps)) / 1e9)


@pytest.mark.usefixtures("jumping")
async def test_a_run_does_not_mind_the_wall_clock(tmp_path: Path, isolation: str) -> None:
    """Backoff, quarantine, rates and the database go by the monotonic clock, or by no clock."""
    assert isolation
    modules = {
        "well": quiet(CONNECTED),
        "bad": guest({CONNECTED: TRAP}),
        "chatty": guest({CONNECTED: SAY.format(size=4)}),
    }
    special = {
        "bad": replace(FAST, quarantine=Quarantine(panics=3, within=3600, probe=3600)),
        "chatty": replace(FAST, rates=Rates(logs=0.001, burst=1000)),
    }
    db = tmp_path / "host.db"
    async with ObserverHost(config(tmp_path, modules, special=special, db=db), sink=MemorySink()) as host:
        for _ in range(10):
            host.emit(WebRtcConnected(PEER, relayed=False), CTX)
        await host.drain()
        (row,) = host.panics.rows()
        lines = {line.name: line for line in host.summary().observers}
    assert (row.count, row.first_at <= row.last_at) == (3, True)
    assert all(accounted(line) == 10 for line in lines.values())
    assert (lines["well"].delivered, lines["bad"].panics, lines["bad"].skipped) == (10, 3, 7)
    logs = lines["chatty"].logs
    assert 1 <= logs < 5  # a bucket that is not quite empty lets one more through
    assert lines["chatty"].suppressed.logs == 10 - logs
