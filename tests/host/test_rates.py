"""How much an observer may ask for in how much time, and that what is over it is counted and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.host.helpers import FAST, REPORT_EVENT, SAY, MemorySink, config, err, event, guest
from wasmhost import ObserverHost, Quarantine, Rates
from wasmhost.contract.codec import Frame
from wasmhost.host.counters import Counters, Suppressed
from wasmhost.host.effects import MAX_METRICS, EffectApplier
from wasmhost.host.lines import WINDOW_S, ObserverLines
from wasmhost.host.rates import EVENTS_A_SECOND, Bucket, Meter
from wasmhost.host.reports import ReportQueue
from wasmhost.host.state import StateStore
from wasmhost.sandbox.outbox import CounterAdd, Effects, LogLine, Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from structlog.typing import EventDict

FRAME = Frame("on_webrtc_connected", 12, 34, "node", True, b"")
TIGHT = Rates(logs=2, log_kib=1, reports=3, report_kib=1, state=1, state_kib=1, burst=1)
SUPPRESSED = "observer asks for too much; suppressed"


@pytest.fixture
def log() -> Iterator[list[EventDict]]:
    """Collect what is logged."""
    with capture_logs() as lines:
        yield lines


def told(log: list[EventDict]) -> list[EventDict]:
    """The host's lines of what was suppressed."""
    return [line for line in log if line["event"] == SUPPRESSED]


# The bucket.


def test_a_bucket_holds_a_burst_and_fills_at_its_rate() -> None:
    """What did not pass costs nothing."""
    bucket = Bucket(2, burst=3)
    passed = 0
    while bucket.has_any(100.0):
        bucket.take(1)
        passed += 1
    assert passed == 6
    assert not bucket.has_any(100.0)
    assert bucket.has_any(100.5)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A quiet hour earns nothing more."""
    bucket = Bucket(1, burst=2)
    bucket.take(2)
    assert bucket.has_any(0.0) is False
    assert bucket.has_any(3_600.0)
    bucket.take(2)
    assert not bucket.has_any(3_600.0)


def test_what_is_larger_than_the_bucket_passes_and_is_paid_off() -> None:
    """Else a rate below the longest line would let none pass, for ever."""
    meter = Meter(100, kib=1, burst=1)
    assert meter.admits(4_096, 0.0)
    assert not meter.admits(1, 2.9)
    assert meter.admits(1, 3.1)


def test_a_rate_of_zero_lets_nothing_pass() -> None:
    """An operator may shut an observer up."""
    meter = Meter(0, kib=1_000, burst=10)
    assert not meter.admits(0, 0.0)
    assert not meter.admits(0, 1e9)


def test_time_that_goes_backwards_earns_nothing() -> None:
    """Letters that were put back come with an older number."""
    bucket = Bucket(1, burst=1)
    assert bucket.has_any(10.0)
    bucket.take(1)
    assert not bucket.has_any(5.0)
    assert not bucket.has_any(10.0)
    assert bucket.has_any(10.5)


@given(
    rate=st.floats(0.1, 1_000),
    burst=st.floats(0.1, 10),
    steps=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 100)), max_size=60),
)
def test_never_more_passes_than_the_rate_and_the_burst_allow(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    """Over any time: the rate times that time, a burst, and the one thing that made the debt."""
    bucket, now, passed = Bucket(rate, burst), 0.0, 0.0
    largest = max((amount for _, amount in steps), default=0.0)
    for pause, amount in steps:
        now += pause
        if bucket.has_any(now):
            bucket.take(amount)
            passed += amount
    assert passed <= rate * (now + burst) + largest + 1e-6


# Effects.


async def applier(rates: Rates | None) -> tuple[EffectApplier, Counters, StateStore]:
    """Make an applier with these rates."""
    counters, states = Counters(), StateStore()
    return EffectApplier("me", counters, ReportQueue(MemorySink()), states, rates), counters, states


async def test_lines_over_the_rate_are_counted_with_their_bytes(log: list[EventDict]) -> None:
    """By number and by bytes of UTF-8; all of it stands in logs_dropped too."""
    applied, counters, _ = await applier(TIGHT)
    applied.apply(Effects(logs=(LogLine("info", "é" * 10),) * 5), "on_start", FRAME, 0.0)
    assert (counters.logs, counters.logs_dropped) == (2, 3)
    assert (counters.suppressed_logs, counters.suppressed_log_bytes) == (3, 60)
    (line,) = told(log)
    assert (line["observer"], line["logs"], line["log_bytes"]) == ("me", 3, 60)


async def test_lines_are_bounded_by_bytes_as_well(log: list[EventDict]) -> None:
    """Two long ones are as bad as many short ones."""
    applied, counters, _ = await applier(replace(TIGHT, logs=1_000))
    applied.apply(Effects(logs=(LogLine("info", "x" * 600),) * 4), "on_start", FRAME, 0.0)
    assert (counters.logs, counters.suppressed_logs, counters.suppressed_log_bytes) == (2, 2, 1_200)
    assert len(told(log)) == 1


async def test_reports_over_the_rate_are_counted_as_dropped_too(log: list[EventDict]) -> None:
    """The sum of reports and reports_dropped stays what the guest asked for."""
    applied, counters, _ = await applier(TIGHT)
    applied.apply(Effects(reports=(Report("t", b"\x01"),) * 10), "on_start", FRAME, 0.0)
    assert (counters.reports, counters.reports_dropped) == (3, 7)
    assert (counters.suppressed_reports, counters.suppressed_report_bytes) == (7, 14)
    assert [(line["reports"], line["report_bytes"]) for line in told(log)] == [(7, 14)]


async def test_names_of_metrics_beyond_the_bound_are_said_the_same_way(log: list[EventDict]) -> None:
    """They are counted and told like what is over a rate."""
    applied, counters, _ = await applier(None)
    names = tuple(CounterAdd(str(number), 1) for number in range(MAX_METRICS + 5))
    applied.apply(Effects(metrics=names), "on_start", FRAME, 0.0)
    assert (counters.suppressed_metrics, counters.reports_dropped) == (5, 5)
    assert [line["metrics"] for line in told(log)] == [5]


async def test_of_states_that_come_too_fast_the_latest_is_written_when_it_may_be() -> None:
    """What was not written is not lost: the next sandbox gets it, and the disk a moment later."""
    applied, counters, states = await applier(TIGHT)
    for blob in (b"1", b"2", b"3"):
        applied.apply(Effects(state=blob), "on_start", FRAME, 0.0)
    assert states.load("me") == b"1"
    assert applied.state == b"3"
    assert counters.suppressed_state == 2
    assert applied.lines.owing
    applied.settle(0.5)
    assert states.load("me") == b"3"


async def test_a_state_that_waits_is_written_at_close() -> None:
    """However the run ends."""
    applied, _, states = await applier(replace(TIGHT, state=0))
    applied.apply(Effects(state=b"last"), "on_start", FRAME, 0.0)
    assert states.load("me") is None
    applied.settle(1e9)
    assert states.load("me") is None
    applied.close()
    assert states.load("me") == b"last"


async def test_a_state_that_passes_is_not_written_over_by_one_that_waited() -> None:
    """The latest wins, also at close."""
    applied, _, states = await applier(TIGHT)
    for now, blob in ((0.0, b"1"), (0.1, b"2"), (5.0, b"3")):
        applied.apply(Effects(state=blob), "on_start", FRAME, now)
    applied.close()
    assert states.load("me") == b"3"


async def test_without_rates_all_passes() -> None:
    """``rates = false``."""
    applied, counters, _ = await applier(None)
    for _ in range(100):
        applied.apply(Effects(reports=(Report("t", b"\x01"),) * 50), "on_start", FRAME, 0.0)
    assert counters.reports == 5_000


async def test_what_a_decent_observer_does_on_a_busy_node_passes() -> None:
    """A report and a saved state for each of ten thousand events a second: half of what the rates allow."""
    counters, reports = Counters(), ReportQueue(MemorySink(), lossless=True)
    applied = EffectApplier("me", counters, reports, StateStore(), replace(Rates(), burst=0.01))
    effects = Effects(reports=(Report("topic", bytes(400)),), state=bytes(1_000))
    for number in range(30_000):
        applied.apply(effects, "on_start", FRAME, number / 10_000)
    assert Suppressed.of(counters) == Suppressed()


# The host's own lines.


def test_the_first_is_told_at_once_and_the_rest_when_the_window_is_over(log: list[EventDict]) -> None:
    """One line in a window, and what is left is told at close."""
    lines = ObserverLines("me")
    for tenth in range(1_000):
        lines.suppress("logs")
        lines.settle(tenth / 10)
    lines.close()
    assert [line["logs"] for line in told(log)] == [1, *[100] * 9, 99]
    assert WINDOW_S == 10
    assert not lines.owing


def test_a_line_that_comes_too_often_is_told_with_how_often(log: list[EventDict]) -> None:
    """The latest is told, as it says how things are."""
    lines = ObserverLines("me")
    for number in range(5):
        lines.tell("warning", "it failed", 1.0, hook="on_start", error=str(number))
    lines.tell("info", "it works", 1.0, hook="on_start")
    lines.settle(2.0)
    assert len(log) == 2
    assert lines.owing
    lines.settle(11.0)
    assert [(line["event"], line.get("error"), line.get("times")) for line in log] == [
        ("it failed", "0", None),
        ("it works", None, None),
        ("it failed", "4", 4),
    ]
    assert not lines.owing


def test_each_hook_has_its_own_line(log: list[EventDict]) -> None:
    """There are sixteen of them, whatever an observer does."""
    lines = ObserverLines("me")
    for hook in ("on_start", "on_stop", "on_start"):
        lines.tell("warning", "it failed", 1.0, hook=hook)
    assert [line["hook"] for line in log] == ["on_start", "on_stop"]


# Through the host.


async def test_a_flood_is_cut_counted_and_told(tmp_path: Path, log: list[EventDict]) -> None:
    """Lines and reports of a real guest; its neighbour has rates of its own."""
    body = SAY.format(size=4) * 3 + REPORT_EVENT * 2
    modules = {name: guest({"on_webrtc_connected": body}) for name in ("flood", "other")}
    rates = Rates(logs=1, reports=1, burst=2)
    settings = config(tmp_path, modules, special={"flood": replace(FAST, rates=rates)})
    async with ObserverHost(settings, sink=MemorySink(), lossless=True) as host:
        for number in range(200):
            await host.feed(event(seq=number))
    flood, other = host.summary().observers
    assert flood.delivered == other.delivered == 200
    assert (flood.logs, flood.reports) == (4, 4)  # a burst of 2, and 2 seconds of 100 events
    assert flood.logs + flood.logs_dropped == 600
    assert flood.reports + flood.reports_dropped == 400
    assert (flood.suppressed.logs, flood.suppressed.reports) == (596, 396)
    assert flood.suppressed.log_bytes == 596 * 4
    assert other.suppressed == Suppressed()
    lines = told(log)
    assert {line["observer"] for line in lines} == {"flood"}
    assert sum(line["logs"] for line in lines) == 596
    assert len(lines) == 2


async def test_the_same_input_suppresses_the_same(tmp_path: Path) -> None:
    """In a lossless run time is the number of the event, so what passes is a matter of the input alone."""
    body = SAY.format(size=4) * 2
    outcomes = []
    for attempt in range(2):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        defaults = replace(FAST, rates=Rates(logs=30, burst=1))
        settings = config(folder, {"a": guest({"on_webrtc_connected": body})}, defaults)
        with capture_logs() as lines:
            async with ObserverHost(settings, sink=MemorySink(), lossless=True) as host:
                for number in range(20 * EVENTS_A_SECOND):
                    await host.feed(event(seq=number))
        passed = [(line["seq"], line["message"]) for line in lines if line["event"] == "guest log"]
        outcomes.append((passed, [line["logs"] for line in told(lines)], host.summary()))
    assert outcomes[0] == outcomes[1]
    assert 600 <= len(outcomes[0][0]) <= 631


async def test_a_restarted_guest_gets_the_state_that_was_not_written_yet(tmp_path: Path) -> None:
    """It comes from memory; and it is in the store when the host has closed."""
    grow = (
        "(call $load (i32.const 8)) (i32.store8 (i32.const 300)"
        " (i32.add (i32.load (i32.const 16)) (i32.const 1)))"
        "(call $save (i32.const 300) (i32.add (i32.load (i32.const 16)) (i32.const 1)))"
    )
    module = guest(
        {"on_webrtc_connecting": grow, "on_webrtc_connected": "unreachable"},
        text="\\00\\00\\00\\00",
    )
    settings = replace(FAST, grant=FAST.grant | {"state"}, rates=Rates(state=0))
    async with ObserverHost(config(tmp_path, {"a": module}, settings), sink=MemorySink()) as host:
        for number in range(3):
            await host.feed(event("on_webrtc_connecting", 2 * number))
            await host.feed(event("on_webrtc_connected", 2 * number + 1))
        await host.drain()
        runner = host._dispatcher.posts[0].runner
        applied: EffectApplier = runner._effects  # type: ignore[attr-defined]
        states = applied._states
        assert applied.state is not None
        assert len(applied.state) == 3  # each sandbox found what the one before it had saved
        assert states.load("a") is None
    assert states.load("a") == applied.state
    assert host.summary().observers[0].suppressed.state == 3


async def test_an_error_at_each_event_does_not_flood_the_log(tmp_path: Path, log: list[EventDict]) -> None:
    """A guest chooses its results; every one is accounted for in some line."""
    module = guest({"on_start": err(4)}, text="oops")
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink(), lossless=True) as host:
        for number in range(3_000):
            await host.feed(event("on_start", number))
    lines = [line for line in log if line["event"] == "observer returned an error"]
    assert sum(line.get("times", 1) for line in lines) == 3_000
    assert len(lines) == 4
    assert {line["error"] for line in lines} == {"oops"}


async def test_an_observer_in_and_out_of_quarantine_does_not_flood_the_log(
    tmp_path: Path, log: list[EventDict]
) -> None:
    """It traps at every other event, and is tried again at once."""
    flip = "(if (i64.eqz (i64.rem_u (call $sequence) (i64.const 2))) (then unreachable))"
    module = guest({"on_webrtc_connected": flip})
    defaults = replace(FAST, quarantine=Quarantine(panics=1, within=1, probe=1))
    async with ObserverHost(
        config(tmp_path, {"a": module}, defaults), sink=MemorySink(), lossless=True
    ) as host:
        for number in range(4_000):
            await host.feed(event(seq=number))
    ours = [line for line in log if line["event"] != "guest log"]
    assert len([line for line in ours if "quarantine" in line["event"]]) <= 2 * (4 + 2)
    assert len(ours) < 40
    assert host.summary().observers[0].panics >= 1_000
