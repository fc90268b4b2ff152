"""One guest over its life: traps, restarts, quarantine, restarts that fail, and bugs of ours."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    PEER,
    REPORT_EVENT,
    REPORT_LOST,
    TRAP,
    MemorySink,
    accounted,
    config,
    event,
    guest,
    quiet,
    recorder,
    until,
)
from wasmhost import ActrError, Limits, ObserverHost, Quarantine, WebRtcConnected, WebRtcDisconnected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wasmhost import ObserverDefaults
    from wasmhost.host.runner import GuestRunner

UP, DOWN = WebRtcConnected(PEER, relayed=False), WebRtcDisconnected(PEER)
DISCONNECTED = "on_webrtc_disconnected"

STATEFUL = replace(FAST, grant=FAST.grant | {"state"})

# Once it has saved a state, this guest can't be started again: its _initialize finds the state and traps.
UNSTARTABLE = guest(
    {
        "on_webrtc_connecting": "(call $save (i32.const 16) (i32.const 4))",
        CONNECTED: TRAP,
        DISCONNECTED: REPORT_LOST,
        "on_start": "(i32.const 0)",
    },
    extra="""
    (func (export "_initialize")
      (call $load (i32.const 0))
      (if (i32.load8_u (i32.const 0))
        (then (call $panic (i32.const 16) (i32.const 4)) unreachable)))
    """,
)


def runner(host: ObserverHost, index: int = 0) -> GuestRunner:
    """Give a guest's runner."""
    found: Any = host._dispatcher.posts[index].runner
    return found  # type: ignore[no-any-return]


async def test_after_a_panic_events_wait_for_the_backoff_and_none_is_lost(tmp_path: Path) -> None:
    """It doubles while one panic follows the other."""
    module = guest({CONNECTED: TRAP, DISCONNECTED: REPORT_EVENT})
    sink = MemorySink()
    settings = config(tmp_path, {"a": module}, replace(FAST, backoff_ms=(40, 80)))
    async with ObserverHost(settings, sink=sink) as host:
        started = time.monotonic()
        host.emit(UP, CTX)
        host.emit(UP, CTX)
        host.emit(DOWN, CTX)
        await until(lambda: len(sink.records) == 1)
        took = time.monotonic() - started
    assert 0.02 + 0.04 <= took < 3
    (line,) = host.summary().observers
    assert (line.panics, line.delivered, line.dropped) == (2, 1, 0)


async def test_while_one_observer_waits_for_its_backoff_the_others_go_on(tmp_path: Path) -> None:
    """At once, and the run ends in its time; what still waited counts as dropped."""
    sink = MemorySink()
    modules = {"bad": guest({CONNECTED: TRAP}), "good": recorder(CONNECTED)}
    settings = config(tmp_path, modules, replace(FAST, backoff_ms=(60_000, 60_000)), drain_s=0.05)
    started = time.monotonic()
    async with ObserverHost(settings, sink=sink) as host:
        for _ in range(10):
            host.emit(UP, CTX)
    assert time.monotonic() - started < 5
    bad, good = host.summary().observers
    assert (bad.panics, bad.dropped) == (1, 9)
    assert good.delivered == 10


async def test_with_nothing_waiting_a_backoff_holds_up_nobody(tmp_path: Path) -> None:
    """The run ends at once, though its last event was a panic."""
    settings = config(tmp_path, {"a": guest({CONNECTED: TRAP})}, replace(FAST, backoff_ms=(60_000, 60_000)))
    started = time.monotonic()
    async with ObserverHost(settings, sink=MemorySink()) as host:
        host.emit(UP, CTX)
    assert time.monotonic() - started < 5
    assert host.summary().observers[0].panics == 1


async def test_a_lifecycle_hook_is_served_after_the_backoff(tmp_path: Path) -> None:
    """Whoever awaits it waits that long."""
    module = guest({CONNECTED: TRAP, "on_start": "(i32.const 0)"})
    settings = config(tmp_path, {"a": module}, replace(FAST, backoff_ms=(20, 20)))
    async with ObserverHost(settings, sink=MemorySink()) as host:
        host.emit(UP, CTX)
        await host.on_start(CTX)
    (line,) = host.summary().observers
    assert (line.panics, line.delivered) == (1, 1)


async def test_quarantine_is_for_one_hook_and_ends_with_a_probe_that_succeeds(tmp_path: Path) -> None:
    """Half open after a while; it is logged when a hook goes in and when it comes out."""
    # It traps while the state is not there, and the other hook brings it.
    module = guest(
        {
            CONNECTED: "(call $load (i32.const 0))"
            "(if (i32.eqz (i32.load8_u (i32.const 0))) (then unreachable))",
            DISCONNECTED: "(call $save (i32.const 16) (i32.const 4))",
        }
    )
    rule = Quarantine(panics=2, within=60, probe=0.05)
    settings = config(tmp_path, {"a": module}, replace(STATEFUL, quarantine=rule))
    with capture_logs() as log:
        async with ObserverHost(settings, sink=MemorySink()) as host:
            for _ in range(5):
                host.emit(UP, CTX)
            await host.drain()
            (line,) = host.summary().observers
            assert (line.panics, line.skipped, line.state) == (2, 3, "quarantined")
            assert line.quarantined == (CONNECTED,)
            host.emit(DOWN, CTX)
            await asyncio.sleep(0.06)
            host.emit(UP, CTX)
            host.emit(UP, CTX)
            await host.drain()
            (line,) = host.summary().observers
    assert (line.panics, line.skipped, line.delivered, line.state) == (2, 3, 3, "running")
    said = [line["event"] for line in log]
    assert said.count("observer hook is in quarantine") == said.count("observer hook left quarantine") == 1


async def test_a_hundred_thousand_equal_traps_would_be_a_few_log_lines(tmp_path: Path) -> None:
    """The 1st, 2nd, 4th, 8th… is logged; all are counted in the panic log."""
    with capture_logs() as log:
        async with ObserverHost(
            config(tmp_path, {"a": guest({CONNECTED: TRAP})}), sink=MemorySink(), lossless=True
        ) as host:
            for number in range(300):
                await host.feed(event(seq=number))
    lines = [line["count"] for line in log if line["event"] == "observer panicked; isolated"]
    assert lines == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    (row,) = host.panics.rows()
    assert row.count == 300


async def test_a_restart_that_fails_is_tried_again_and_events_wait(tmp_path: Path) -> None:
    """In a live run: the observer is `failed`, its panics are on record, its neighbours go on."""
    sink = MemorySink()
    settings = config(tmp_path, {"bad": UNSTARTABLE, "good": recorder(DISCONNECTED)}, STATEFUL, drain_s=0.05)
    async with ObserverHost(settings, sink=sink) as host:
        await host.feed(event("on_webrtc_connecting"))
        host.emit(UP, CTX)
        for _ in range(3):
            host.emit(DOWN, CTX)
        await until(lambda: host.summary().observers[0].state == "failed")
        await until(lambda: len(sink.records) == 3)
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
        assert raised.value.message == "on_start panicked: text"
    bad, good = host.summary().observers
    assert (bad.delivered, bad.panics, bad.dropped, bad.state) == (1, 1, 4, "failed")
    assert good.delivered == 3
    assert accounted(bad) == accounted(good) == 6
    rows = {row.hook: row for row in host.panics.rows()}
    assert set(rows) == {CONNECTED, "_initialize"}
    assert rows["_initialize"].fuel_budget == Limits().init_fuel
    assert rows["_initialize"].count < 60  # a pause lies between two tries, also without backoff


async def test_an_observer_that_failed_comes_back_when_it_can_be_started(tmp_path: Path) -> None:
    """What waited is delivered then."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": UNSTARTABLE}, STATEFUL), sink=sink) as host:
        await host.feed(event("on_webrtc_connecting"))
        host.emit(UP, CTX)
        host.emit(DOWN, CTX)
        await until(lambda: host.summary().observers[0].state == "failed")
        runner(host)._effects.state = None
        await until(lambda: len(sink.records) == 1)
    (line,) = host.summary().observers
    assert (line.delivered, line.panics, line.dropped, line.state) == (2, 1, 0, "running")


@pytest.mark.parametrize("quarantine", [None, Quarantine(panics=3, within=100, probe=10)])
async def test_in_a_lossless_run_what_a_failed_observer_cannot_be_given_is_dropped(
    tmp_path: Path, quarantine: Quarantine | None
) -> None:
    """A file is read to its end; with quarantine, only some of its events are tried."""
    settings = config(tmp_path, {"a": UNSTARTABLE}, replace(STATEFUL, quarantine=quarantine))
    async with ObserverHost(settings, sink=MemorySink(), lossless=True) as host:
        await host.feed(event("on_webrtc_connecting", 0))
        await host.feed(event(CONNECTED, 1))
        for number in range(2, 42):
            await host.feed(event(DISCONNECTED, number))
    (line,) = host.summary().observers
    assert (line.delivered, line.panics, line.dropped, line.state) == (1, 1, 40, "failed")
    tried = {row.hook: row.count for row in host.panics.rows()}["_initialize"]
    assert tried == (40 if quarantine is None else 3 + 3)


async def test_what_was_given_up_is_told_as_lost(tmp_path: Path) -> None:
    """When the observer can be started again."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": UNSTARTABLE}, STATEFUL), sink=sink, lossless=True) as host:
        await host.feed(event("on_webrtc_connecting", 0))
        await host.feed(event(CONNECTED, 1))
        for number in range(2, 6):
            await host.feed(event(DISCONNECTED, number))
        await host.drain()
        runner(host)._effects.state = None
        await host.feed(event(DISCONNECTED, 8))
    assert sink.bodies("a") == [4 + 2]


def _break(host: ObserverHost, name: str, error: Exception, times: int) -> None:
    """Let a method of the first runner fail for a while, as a bug of ours would."""
    method: Callable[..., Any] = getattr(runner(host), name)
    left = times

    def broken(*arguments: object) -> Any:
        nonlocal left
        if left > 0:
            left -= 1
            raise error
        return method(*arguments)

    setattr(runner(host), name, broken)


@pytest.mark.parametrize("where", ["_serve", "_returned"])
async def test_a_bug_of_ours_costs_the_event_and_the_sandbox_no_more(tmp_path: Path, where: str) -> None:
    """It is logged as what it is, and counted once."""
    sink = MemorySink()
    modules = {"a": recorder(CONNECTED, "on_start"), "b": recorder(CONNECTED)}
    with capture_logs() as log:
        async with ObserverHost(config(tmp_path, modules), sink=sink) as host:
            _break(host, where, ValueError("a bug"), 2)
            with pytest.raises(ActrError, match="wasmhost failed: ValueError"):
                await host.on_start(CTX)
            for _ in range(5):
                host.emit(UP, CTX)
    first, second = host.summary().observers
    assert (first.panics, first.delivered) == (2, 4)
    assert accounted(first) == accounted(second) == 6
    assert sink.seqs("a") == [2, 3, 4, 5]
    assert sink.seqs("b") == [1, 2, 3, 4, 5]
    assert sum("this is a bug" in line["event"] for line in log) == 2


@pytest.mark.parametrize("lossless", [True, False])
async def test_a_turn_that_fails_costs_the_observer_and_the_run_ends(tmp_path: Path, lossless: bool) -> None:
    """Nobody waits for an observer that is served no more, and the counts add up."""
    modules = {"a": recorder(CONNECTED, "on_start"), "b": quiet()}
    settings = config(tmp_path, modules, replace(FAST, mailbox=10))
    async with ObserverHost(settings, sink=MemorySink(), lossless=lossless) as host:
        _break(host, "turn", ValueError("a bug"), 1)
        async with asyncio.timeout(5):
            with pytest.raises(ActrError):
                await host.on_start(CTX)
            for number in range(50):
                await host.feed(event(seq=number))
                await asyncio.sleep(0)
            await host.drain()
            with pytest.raises(ActrError) as raised:
                await host.on_start(CTX)
            assert raised.value.kind == "unavailable"
    first, second = host.summary().observers
    assert (first.state, first.dropped, first.delivered) == ("failed", 52, 0)
    assert accounted(first) == accounted(second) == 52


async def test_logs_of_an_initialisation_are_written_also_where_it_trapped(tmp_path: Path) -> None:
    """They say why the module was refused."""
    said = "(call $log (i32.const 3) (i32.const 16) (i32.const 4))"
    module = guest({CONNECTED: ""}, extra=f'(func (export "_initialize") {said} unreachable)')
    with capture_logs() as log:
        async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
            pass
    assert [(line["hook"], line["message"]) for line in log if line["event"] == "guest log"] == [
        ("_initialize", "text")
    ]
    assert host.summary().observers[0].state == "refused"


async def test_random_numbers_depend_on_module_observer_source_and_number_only(tmp_path: Path) -> None:
    """The same in every run."""
    body = (
        "(call $number (call $random))"
        "(call $report (i32.const 16) (i32.const 4) (i32.const 2048) (i32.const 9))"
    )
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        sink = MemorySink()
        settings: ObserverDefaults = FAST
        modules = {"a": guest({CONNECTED: body}), "b": guest({CONNECTED: body})}
        async with ObserverHost(config(tmp_path / folder, modules, settings), sink=sink) as host:
            for src in "xy":
                for number in range(3):
                    await host.feed(event(seq=number, src=src))
        found.append(sink.bodies("a") + sink.bodies("b"))
    assert found[0] == found[1]
    assert len(set(found[0])) == 12


async def test_very_many_sources_are_no_burden(tmp_path: Path) -> None:
    """Strangers choose their names."""
    async with ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink()) as host:
        for number in range(3_000):
            await host.feed(event(seq=0, src=f"source-{number}"))
        await host.drain()
        assert len(runner(host)._seeds) <= 1024
    assert host.summary().observers[0].delivered == 3_000
