"""A short soak in either mode: those that are well hear everything in order, and nothing grows."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from tests.soak.guests import NEIGHBOURS
from tests.soak.load import soak
from tests.soak.report import page, passed, trends
from tests.soak.run import document
from tests.soak.samples import Listener
from tests.soak.verdict import SLACKS, trend
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.config.model import Isolation

_SECONDS = 50.0


@pytest.fixture
def _own_log() -> Iterator[None]:
    """Give the log back as it was."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("_own_log")
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_short_soak(isolation: Isolation, capsys: pytest.CaptureFixture[str]) -> None:
    """Under a minute of what `make soak` does for an hour; in process mode a shard is killed on the way."""
    run = asyncio.run(soak(isolation, _SECONDS))
    with capsys.disabled():
        sys.stdout.write(f"\n{page(run)}\n")
    assert run.complaints == ()
    assert [found for found in trends(run) if not found.flat] == []
    assert passed(run)
    assert (run.killed > 0) == (isolation == "process")
    summary = {line.name: line for line in run.observers}
    well = [line for name, line in summary.items() if name.startswith("well-")]
    assert len(well) == NEIGHBOURS + (isolation == "process")
    assert {name for name, line in summary.items() if line.panics > 50} >= {
        "traps",
        "spins",
        "recurses",
        "reaches",
    }
    assert all(line.state == "running" for line in summary.values())
    written = document([run])
    assert page(run) in written
    assert "NOT FLAT" not in written


def test_flat_is_told_from_growth() -> None:
    """By medians of quarters: a peak is none, warming up is none, a leak is."""
    level = [100.0 + number % 3 for number in range(80)]
    warming = [10.0 * number for number in range(20)] + level[20:]
    peak = [*level[:70], 900.0, 900.0, *level[72:]]
    leak = [100.0 + number for number in range(80)]
    flat = [trend("resident_mib", values).flat for values in (level, warming, peak, leak)]
    assert flat == [True, True, True, False]
    assert not trend("descriptors", [10] * 40 + [13] * 40).flat
    assert trend("descriptors", [10] * 40 + [12] * 40).flat
    assert trend("threads", [5]).flat
    assert set(SLACKS) == {"resident_mib", "descriptors", "threads", "processes", "database_kib"}


async def test_a_listener_notices_what_is_out_of_order() -> None:
    """A report that comes twice or late is disorder; one that is left out is counted."""
    listener = Listener(frozenset({"well-0"}))

    def report(seq: int, told: int, observer: str = "well-0") -> ReportRecord:
        return ReportRecord(observer, "src", seq, 0, "", b"\x48" + told.to_bytes(8, "little"))

    await listener.write([report(0, 0), report(1, 1), report(4, 4), report(9, 9, "floods")])
    assert (listener.missing["well-0"], listener.disordered, listener.others) == (2, [], 1)
    await listener.write([report(4, 4)])
    await listener.write([report(6, 5)])
    assert len(listener.disordered) == 2
    assert listener.take_latencies()[0] > 0
