"""Real shards: what a death costs, whom, and that nobody else loses anything.

A guest that breaks out of the engine is played by a signal: the shard is killed while the guest has an
event in hand.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    PEER,
    REPORT_EVENT,
    SPIN,
    MemorySink,
    accounted,
    config,
    err,
    event,
    guest,
    quiet,
    recorder,
    until,
)
from tests.sandbox import wat_component
from wasmhost import (
    ActrError,
    HostConfig,
    Limits,
    ObserverHost,
    Quarantine,
    WebRtcConnected,
    WebRtcConnectStart,
)
from wasmhost.shards import watchdog
from wasmhost.shards.fleet import Fleet
from wasmhost.shards.household import LOADING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost import ObserverDefaults
    from wasmhost.host.counters import ObserverSummary
    from wasmhost.shards.shard import Shard

DIRECT = WebRtcConnected(PEER, relayed=False)
START = WebRtcConnectStart(PEER)
ENDLESS = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=60_000))
"""For a guest that has its event in hand until its process is killed."""
SPINNING = guest({CONNECTED: SPIN, "on_webrtc_connecting": REPORT_EVENT})


def in_shards(
    folder: Path,
    modules: Mapping[str, bytes],
    special: Mapping[str, ObserverDefaults] | None = None,
    **more: object,
) -> HostConfig:
    """Configure a host whose guests run in one process."""
    made = config(folder, modules, special=special)
    return replace(made, isolation="process", shards=1, **more)  # type: ignore[arg-type]


def shard_of(host: ObserverHost) -> Shard:
    """Return the one shard of a host."""
    return fleet_of(host).shards[0]


def fleet_of(host: ObserverHost) -> Fleet:
    """Return a host's shards."""
    fleet = host._crew._quarters
    assert isinstance(fleet, Fleet)
    return fleet


def line_of(host: ObserverHost, name: str) -> ObserverSummary:
    """Return an observer's line in the summary."""
    return next(line for line in host.summary().observers if line.name == name)


async def in_hand(host: ObserverHost, number: int, *places: int) -> None:
    """Wait until the observers at these places have the letter of this number in hand."""
    numbers = shard_of(host).household.notes.numbers
    await until(lambda: all(numbers[place] == number for place in places), 20)


def kill(host: ObserverHost, number: int = signal.SIGKILL) -> None:
    """Kill the shard."""
    (pid,) = host.shard_pids
    os.kill(pid, number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_who_kills_its_process_loses_one_event_and_its_neighbours_none(
    tmp_path: Path, number: int
) -> None:
    """The letter in hand is a panic that says how the process died; all others are delivered, in order."""
    sink = MemorySink()
    modules = {"one": recorder(), "killer": SPINNING, "two": recorder()}
    async with ObserverHost(in_shards(tmp_path, modules, {"killer": ENDLESS}), sink=sink) as host:
        for _ in range(50):
            host.emit(START, CTX)
        host.emit(DIRECT, CTX)
        await in_hand(host, 51, 1)
        for _ in range(50):
            host.emit(START, CTX)
        kill(host, number)
        for _ in range(50):
            host.emit(START, CTX)
        await host.drain()
        assert shard_of(host).deaths == 1
        (panic,) = host.panics.rows()
    assert (panic.observer, panic.kind, panic.hook, panic.seq) == ("killer", "other", CONNECTED, 50)
    assert signal.Signals(number).name in panic.message
    killer = line_of(host, "killer")
    assert (killer.delivered, killer.panics, killer.state) == (150, 1, "running")
    assert sink.seqs("one") == sink.seqs("two") == list(range(151))
    assert sink.seqs("killer") == [seq for seq in range(151) if seq != 50]


async def test_a_death_that_is_nobodys_costs_nothing(tmp_path: Path) -> None:
    """Killed while nothing is in hand, or while events rush through: every event arrives once, in order."""
    sink = MemorySink()
    modules = {"one": recorder(), "two": recorder()}
    async with ObserverHost(in_shards(tmp_path, modules), sink=sink) as host:
        await host.drain()
        kill(host)
        for number in range(3000):
            host.emit(START, CTX)
            if number % 1000 == 500:
                deaths = 1 + number // 1000
                await until(lambda: shard_of(host).deaths == deaths and shard_of(host).household.serving, 20)  # noqa: B023
                await asyncio.sleep(0.02)  # into the middle of what it has to do
                kill(host)
        await host.drain()
        lines = [line_of(host, name) for name in modules]
    for line in lines:
        assert line.delivered + line.panics == 3000
        assert line.panics <= shard_of(host).deaths
        heard = sink.seqs(line.name)
        assert len(heard) == line.delivered
        assert heard == sorted(set(heard))


async def test_of_several_suspects_each_is_tried_alone(tmp_path: Path) -> None:
    """With several letters in hand nobody is blamed for it; each is delivered once more, one by one."""
    patient = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=1_500))
    sink = MemorySink()
    modules = {"one": SPINNING, "two": SPINNING, "well": recorder()}
    async with ObserverHost(
        in_shards(tmp_path, modules, {"one": patient, "two": patient}), sink=sink
    ) as host:
        host.emit(DIRECT, CTX)
        await in_hand(host, 1, 0, 1)
        kill(host)
        host.emit(START, CTX)
        await host.drain()
        kinds = sorted((row.observer, row.kind, row.count) for row in host.panics.rows())
    assert kinds == [("one", "deadline", 1), ("two", "deadline", 1)]
    assert sink.seqs("well") == [0, 1]


async def test_the_suspect_that_kills_again_is_the_culprit(tmp_path: Path) -> None:
    """The other one's event is delivered in the end."""
    patient = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=1_500))
    modules = {"innocent": SPINNING, "killer": SPINNING}
    special = {"innocent": patient, "killer": ENDLESS}
    async with ObserverHost(in_shards(tmp_path, modules, special), sink=MemorySink()) as host:
        host.emit(DIRECT, CTX)
        await in_hand(host, 1, 0, 1)
        kill(host)
        await until(lambda: shard_of(host).deaths == 1 and bool(host.shard_pids), 20)
        await until(lambda: line_of(host, "innocent").panics == 1, 20)
        await in_hand(host, 1, 1)
        kill(host)
        await host.drain()
        rows = {row.observer: row for row in host.panics.rows()}
    assert rows["innocent"].kind == "deadline"
    assert "SIGKILL" in rows["killer"].message
    assert [accounted(line) for line in host.summary().observers] == [1, 1]


async def test_state_and_quarantine_outlive_a_shard(tmp_path: Path) -> None:
    """What was saved is there in the next process, and a hook that was shut stays shut."""
    keeper = guest(
        {"on_webrtc_connecting": "(call $save (i32.const 16) (i32.const 4))", CONNECTED: LOAD_AND_REPORT}
    )
    bad = guest({CONNECTED: "unreachable", "on_webrtc_connecting": REPORT_EVENT})
    sink = MemorySink()
    strict = replace(FAST, quarantine=Quarantine(panics=2, within=60, probe=60))
    special = {"keeper": replace(FAST, grant=FAST.grant | {"state"}), "bad": strict}
    async with ObserverHost(in_shards(tmp_path, {"keeper": keeper, "bad": bad}, special), sink=sink) as host:
        host.emit(START, CTX)
        for _ in range(3):
            host.emit(DIRECT, CTX)
        await host.drain()
        assert line_of(host, "bad").quarantined == (CONNECTED,)
        kill(host)
        for _ in range(3):
            host.emit(DIRECT, CTX)
        await host.drain()
        bad_line = line_of(host, "bad")
    assert (bad_line.panics, bad_line.skipped, bad_line.quarantined) == (2, 4, (CONNECTED,))
    assert [record.body for record in sink.records if record.observer == "keeper"] == [b"text"] * 6


LOAD_AND_REPORT = """
  (call $load (i32.const 512))
  (call $report (i32.const 16) (i32.const 4) (i32.load (i32.const 516)) (i32.load (i32.const 520)))
"""


async def test_who_waits_for_a_hook_is_told_how_it_went_also_of_a_death(tmp_path: Path) -> None:
    """An error and a panic come back as from a thread, and so does the end of the process."""
    fails = guest({"on_start": err(4), "on_ready": SPIN + "(i32.const 0)"}, text="nope")
    async with ObserverHost(
        in_shards(tmp_path, {"fails": fails}, {"fails": ENDLESS}), sink=MemorySink()
    ) as host:
        with pytest.raises(ActrError, match="nope"):
            await host.on_start(CTX)
        ready = asyncio.create_task(host.on_ready(CTX))
        await in_hand(host, 2, 0)
        kill(host)
        with pytest.raises(ActrError, match="its process died: killed by SIGKILL"):
            await ready
        with pytest.raises(ActrError, match="nope"):
            await host.on_start(CTX)


async def test_a_component_runs_in_a_process_and_not_in_a_thread(tmp_path: Path) -> None:
    """Its imports are callbacks in Python."""
    component = wat_component.guest("")
    async with ObserverHost(in_shards(tmp_path, {"a": component}), sink=MemorySink()) as host:
        await host.feed(event())
        await host.drain()
        assert line_of(host, "a").delivered == 1
    with capture_logs():
        async with ObserverHost(config(tmp_path, {"a": component}), sink=MemorySink()) as host:
            line = line_of(host, "a")
    assert line.state == "refused"
    assert 'isolation = "process"' in str(line.reason)


async def test_one_that_kills_its_process_as_it_is_loaded_is_refused_and_the_others_run(
    tmp_path: Path,
) -> None:
    """It is not tried again."""
    patient = replace(FAST, limits=Limits(init_fuel=10**15, init_deadline_ms=60_000))
    bad = guest({CONNECTED: ""}, extra='(func (export "_initialize") (call $spin))')
    settings = in_shards(tmp_path, {"well": recorder(), "bad": bad}, {"bad": patient})
    sink = MemorySink()
    host = ObserverHost(settings, sink=sink)
    with capture_logs():
        opening = asyncio.create_task(host.__aenter__())
        await until(lambda: host._crew._quarters is not None and bool(fleet_of(host).shards))
        dead: set[int] = set()
        for _ in range(3):
            await until(lambda: not dead.issuperset(host.shard_pids), 20)  # noqa: B023 - waited for
            await in_hand(host, LOADING, 1)
            dead |= set(host.shard_pids)
            kill(host)
        await opening
    try:
        await host.feed(event())
        await host.drain()
    finally:
        await host.__aexit__(None, None, None)
    assert "its process died while it was loaded" in str(line_of(host, "bad").reason)
    assert sink.seqs("well") == [0]


async def test_a_lossless_run_is_the_same_in_a_process(tmp_path: Path) -> None:
    """Nothing is dropped, and what the guests report comes out in order, though the shard dies meanwhile."""
    sink = MemorySink()
    small = replace(FAST, mailbox=4)
    modules = {"one": recorder(), "two": recorder()}
    settings = in_shards(tmp_path, modules, dict.fromkeys(modules, small))
    async with ObserverHost(settings, sink=sink, lossless=True) as host:
        for number in range(600):
            await host.feed(event("on_webrtc_connecting", seq=number))
            if number == 300:
                await host.drain()
                kill(host)
    assert sink.seqs("one") == sink.seqs("two") == list(range(600))
    assert all(line.dropped == 0 for line in host.summary().observers)


async def test_nothing_is_left_when_a_host_is_closed(tmp_path: Path) -> None:
    """Not a process, a thread or a descriptor."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        async with ObserverHost(in_shards(tmp_path, {"a": quiet()}), sink=MemorySink()) as host:
            pids = host.shard_pids
            await host.feed(event())
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


async def test_a_shard_that_is_stuck_is_killed_while_its_other_observers_are_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In hand for longer than any deadline allows: an engine that does not stop, played by a note."""
    monkeypatch.setattr(watchdog, "STUCK_S", -4.0)  # with the deadlines' 5.1 s that is one second
    sink = MemorySink()
    with capture_logs() as logs:
        async with ObserverHost(in_shards(tmp_path, {"a": quiet(), "b": recorder()}), sink=sink) as host:
            (pid,) = host.shard_pids
            shard_of(host).household.notes.numbers[0] = 77
            number = 0
            while host.shard_pids in {(pid,), ()}:
                host.emit(START, CTX)
                number += 1
                await asyncio.sleep(0.01)
            await host.drain()
    assert sink.seqs("b") == list(range(number))
    assert any(entry["event"] == "a shard is stuck" and entry["observer"] == "a" for entry in logs)


async def test_a_shard_that_hides_what_it_has_in_hand_is_found_by_what_it_owes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest that broke out may clear its note and go silent: played by clearing it."""
    monkeypatch.setattr(watchdog, "STUCK_S", -64.0)  # with the deadlines' 65 s that is one second
    monkeypatch.setattr(watchdog, "_TOLD_TOGETHER", 1)
    settings = in_shards(tmp_path, {"a": SPINNING, "b": recorder()}, {"a": ENDLESS, "b": ENDLESS})
    with capture_logs() as logs:
        async with ObserverHost(settings, sink=MemorySink()) as host:
            host.emit(DIRECT, CTX)
            await in_hand(host, 1, 0)
            shard_of(host).household.notes.numbers[0] = 0
            await until(lambda: shard_of(host).deaths == 1, 20)
            await in_hand(host, 1, 0)  # nobody is blamed: it is delivered again
            kill(host)
            await host.drain()
            lines = [(line.name, line.delivered, line.panics) for line in host.summary().observers]
    assert lines == [("a", 0, 1), ("b", 1, 0)]
    assert any(entry["event"] == "a shard is stuck" and entry["observer"] == "a" for entry in logs)
