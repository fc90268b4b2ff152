"""What is done with what a guest asked for."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

from tests.host.helpers import (
    FAST,
    REPORT_EVENT,
    MemorySink,
    accounted,
    config,
    event,
    guest,
    until,
)
from wasmhost import Frame, Limits, ObserverHost
from wasmhost.host import effects as effecting
from wasmhost.host import reports as reporting
from wasmhost.host.counters import Counters
from wasmhost.host.effects import MAX_LINES, MAX_METRICS, EffectApplier
from wasmhost.host.reports import ReportQueue
from wasmhost.host.state import StateStore
from wasmhost.sandbox.outbox import CounterAdd, Effects, GaugeSet, LogLine, Report
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from structlog.typing import EventDict

pytestmark = pytest.mark.usefixtures("isolation")


@dataclass
class Rig:
    """An applier and what it works on."""

    applier: EffectApplier
    counters: Counters
    reports: ReportQueue
    states: StateStore
    sink: MemorySink


FRAME = Frame("on_webrtc_connected", 12, 34, "node", True, b"")


@pytest.fixture
async def rig() -> Rig:
    """Make an applier with nothing before it and nothing behind it."""
    counters, sink, states = Counters(), MemorySink(), StateStore()
    reports = ReportQueue(sink)
    return Rig(EffectApplier("me", counters, reports, states), counters, reports, states, sink)


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    """Collect what is logged."""
    with capture_logs() as lines:
        yield lines


async def test_a_guests_line_is_a_field_beside_its_name_at_its_level(rig: Rig, log: list[EventDict]) -> None:
    """Its words never are the line's event, where they could pass for ours."""
    names = ("trace", "debug", "info", "warn", "error")
    lines = tuple(LogLine(level, f"I say {level}") for level in names)
    rig.applier.apply(Effects(logs=lines), "on_start", FRAME)
    assert [line["log_level"] for line in log] == ["debug", "debug", "info", "warning", "error"]
    assert [line["message"] for line in log] == [f"I say {level}" for level in names]
    assert {(line["event"], line["observer"], line["hook"], line["seq"]) for line in log} == {
        ("guest log", "me", "on_start", 12)
    }
    assert rig.counters.logs == 5


async def test_of_very_many_lines_the_first_are_written_and_the_rest_counted(
    rig: Rig, log: list[EventDict]
) -> None:
    """What did not even fit into the outbox is counted with them."""
    lines = tuple(LogLine("info", str(number)) for number in range(MAX_LINES + 7))
    rig.applier.apply(Effects(logs=lines, logs_dropped=3), "on_start", FRAME)
    assert len(log) == MAX_LINES
    assert (rig.counters.logs, rig.counters.logs_dropped) == (MAX_LINES, 7 + 3)


async def test_a_log_that_cannot_be_written_costs_the_lines_and_nothing_else(rig: Rig) -> None:
    """Standard error may be closed, or a processor of the operator's may fail."""

    def fail(*_arguments: object) -> EventDict:
        raise BrokenPipeError

    old = structlog.get_config()["processors"]
    structlog.configure(processors=[fail])
    try:
        effects = Effects(logs=(LogLine("info", "a"), LogLine("info", "b")), state=b"kept")
        rig.applier.apply(effects, "on_start", FRAME)
    finally:
        structlog.configure(processors=old)
    assert (rig.counters.logs, rig.counters.logs_dropped) == (0, 2)
    assert rig.states.load("me") == b"kept"


async def test_a_report_says_which_event_it_is_about(rig: Rig) -> None:
    """Observer, source, number and time are ours to say, not the guest's."""
    rig.applier.apply(Effects(reports=(Report("topic", b"\x01"),), dropped=4), "on_start", FRAME)
    rig.reports.close()
    await rig.reports.pump()
    assert rig.sink.records == [ReportRecord("me", "node", 12, 34, "topic", b"\x01")]
    assert (rig.counters.reports, rig.counters.reports_dropped) == (1, 4)


async def test_a_report_made_before_any_event_is_dropped_and_counted(rig: Rig) -> None:
    """It is about nothing that happened."""
    rig.applier.apply(Effects(reports=(Report("topic", b"\x01"),)), "_initialize", None)
    assert rig.reports.waiting == 0
    assert (rig.counters.reports, rig.counters.reports_dropped) == (0, 1)


async def test_counters_add_up_and_gauges_hold_the_last_value(rig: Rig) -> None:
    """Over deliveries."""
    metrics = (CounterAdd("seen", 2), GaugeSet("level", 0.5), CounterAdd("seen", 3), GaugeSet("level", 1.5))
    for _ in range(2):
        rig.applier.apply(Effects(metrics=metrics), "on_start", FRAME)
    assert rig.applier.metrics == {"seen": 10, "level": 1.5}


async def test_the_number_of_metrics_is_bounded(rig: Rig) -> None:
    """A guest chooses their names; those it has go on working."""
    for number in range(MAX_METRICS + 5):
        rig.applier.apply(Effects(metrics=(CounterAdd(str(number), 1),)), "on_start", FRAME)
    rig.applier.apply(Effects(metrics=(CounterAdd("0", 1),)), "on_start", FRAME)
    assert len(rig.applier.metrics) == MAX_METRICS
    assert rig.applier.metrics["0"] == 2
    assert rig.counters.reports_dropped == 5


SAVE = "(call $save (i32.const 16) (i32.const {size}))"


@pytest.mark.threads_only
async def test_state_is_saved_only_when_the_hook_returned(tmp_path: Path) -> None:
    """What a hook saved before it trapped is as if it had never been."""
    module = guest(
        {
            "on_webrtc_connecting": SAVE.format(size=2),
            "on_webrtc_connected": SAVE.format(size=4) + "unreachable",
        },
        text="good",
    )
    settings = replace(FAST, grant=FAST.grant | {"state"})
    async with ObserverHost(config(tmp_path, {"a": module}, settings), sink=MemorySink()) as host:
        await host.feed(event("on_webrtc_connecting"))
        await host.feed(event("on_webrtc_connected", 1))
        await host.drain()
        states = host._dispatcher.posts[0].runner._effects._states  # type: ignore[attr-defined]
        assert states.load("a") == b"go"
    assert host.summary().observers[0].panics == 1


async def test_logs_are_kept_also_of_a_delivery_that_trapped(tmp_path: Path, log: list[EventDict]) -> None:
    """They say what led to it. Reports of it do not count."""
    body = "(call $log (i32.const 2) (i32.const 16) (i32.const 4))" + REPORT_EVENT + "unreachable"
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": guest({"on_webrtc_connected": body})}), sink=sink) as host:
        await host.feed(event())
        await host.drain()
    assert [line["message"] for line in log if line["event"] == "guest log"] == ["text"]
    assert sink.records == []
    (line,) = host.summary().observers
    assert (line.logs, line.reports, line.panics) == (1, 0, 1)


async def test_a_live_run_drops_reports_that_the_sink_is_too_slow_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts them, for the observer that made them; no event is lost for it."""
    monkeypatch.setattr(reporting, "SHARE", 0)
    monkeypatch.setattr(reporting, "CAPACITY", 10)
    hold = asyncio.Event()
    sink = MemorySink(hold)
    async with ObserverHost(
        config(tmp_path, {"a": guest({"on_webrtc_connected": REPORT_EVENT})}), sink=sink
    ) as host:
        for number in range(200):
            await host.feed(event(seq=number))
        await host.drain()
        (line,) = host.summary().observers
        assert line.delivered == 200
        assert line.reports + line.reports_dropped == 200
        assert line.reports <= 10 + reporting._BATCH
        hold.set()
    assert len(sink.records) == line.reports


async def test_one_that_fills_the_queue_takes_no_place_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a share of its own, however much the others send; and again once it was written."""
    monkeypatch.setattr(reporting, "CAPACITY", 100)
    monkeypatch.setattr(reporting, "SHARE", 5)
    sink = MemorySink()
    reports = ReportQueue(sink)

    def put(observer: str, times: int) -> int:
        return sum(reports.put(ReportRecord(observer, "s", 0, 0, "t", b"\0")) for _ in range(times))

    for _ in range(2):
        assert put("flood", 500) == 100
        assert put("flood", 1) == 0
        assert put("good", 9) == put("other", 9) == 5
        pump = asyncio.create_task(reports.pump())
        await until(lambda: not reports.waiting)
        pump.cancel()
    assert len(sink.records) == 220


@pytest.mark.threads_only
async def test_a_lossless_run_waits_for_the_sink_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every report arrives, in order, though one delivery makes more than the queue takes."""
    monkeypatch.setattr(reporting, "CAPACITY", 10)
    hold = asyncio.Event()
    sink = MemorySink(hold)
    many = REPORT_EVENT * 15
    async with ObserverHost(
        config(tmp_path, {"a": guest({"on_webrtc_connected": many})}), sink=sink, lossless=True
    ) as host:
        for number in range(40):
            await host.feed(event(seq=number))
        await until(lambda: host.summary().observers[0].reports >= 15)
        await asyncio.sleep(0.03)
        (line,) = host.summary().observers
        assert line.delivered < 40
        hold.set()
    assert sink.seqs("a") == [number for number in range(40) for _ in range(15)]
    (line,) = host.summary().observers
    assert (line.delivered, line.reports, line.reports_dropped) == (40, 600, 0)


async def test_a_sink_that_raises_costs_its_reports_and_not_the_run(tmp_path: Path) -> None:
    """It must not; one that does must not hold up a lossless run either."""

    class Bad(MemorySink):
        async def write(self, batch: Sequence[ReportRecord]) -> None:
            raise RuntimeError(f"a bug at {len(batch)} reports")

    async with ObserverHost(
        config(tmp_path, {"a": guest({"on_webrtc_connected": REPORT_EVENT})}), sink=Bad(), lossless=True
    ) as host:
        for number in range(5):
            await host.feed(event(seq=number))
    (line,) = host.summary().observers
    assert line.delivered == 5


async def test_a_stalled_sink_holds_up_the_end_of_a_live_run_no_longer_than_the_drain(tmp_path: Path) -> None:
    """A reader of standard output may have stopped reading."""
    settings = config(tmp_path, {"a": guest({"on_webrtc_connected": REPORT_EVENT})}, drain_s=0.05)
    with capture_logs() as lines:
        async with asyncio.timeout(5):
            async with ObserverHost(settings, sink=MemorySink(asyncio.Event())) as host:
                await host.feed(event())
                await host.drain()
    assert any(line["event"].startswith("reports given up") for line in lines)
    assert accounted(host.summary().observers[0]) == 1


async def test_reports_come_through_whichever_threads_put_them() -> None:
    """None is left lying because the pump thought that it had seen all."""
    sink = MemorySink()
    reports = ReportQueue(sink)
    pump = asyncio.create_task(reports.pump())
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change places in the middle of everything
    try:

        def put(observer: str) -> None:
            for number in range(1_000):
                while not reports.put(ReportRecord(observer, "", number, 0, "", b"")):
                    pass

        await asyncio.gather(*(asyncio.to_thread(put, str(index)) for index in range(3)))
        await until(lambda: len(sink.records) == 3_000)
    finally:
        sys.setswitchinterval(interval)
        reports.close()
        await pump
    assert all(sink.seqs(str(index)) == list(range(1_000)) for index in range(3))


async def test_an_event_over_event_kib_is_given_up_and_told_as_lost(tmp_path: Path) -> None:
    """It counts as dropped, for that observer only."""
    small = replace(FAST, limits=Limits(event_kib=1))
    sink = MemorySink()
    modules = {name: guest({"on_webrtc_connected": REPORT_EVENT}) for name in ("small", "large")}
    with capture_logs() as lines:
        async with ObserverHost(config(tmp_path, modules, special={"small": small}), sink=sink) as host:
            await host.feed(event(seq=0, padding="x" * 2_000))
            await host.feed(event(seq=1, padding="x" * 2_000))
            await host.feed(event(seq=2))
            await host.drain()
    assert sink.seqs("small") == [2]
    assert sink.seqs("large") == [0, 1, 2]
    assert [line.dropped for line in host.summary().observers] == [2, 0]
    assert [line["event"] for line in lines].count("event over event_kib") == 1


def test_what_a_delivery_may_log_is_enough_for_a_go_panic() -> None:
    """Some seventy lines."""
    assert effecting.MAX_LINES >= 70
