"""Observers that come and go while their shard serves, and dies: nothing is lost, or waited for in vain."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    PEER,
    REPORT_EVENT,
    SPIN,
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
from tests.shards.test_shards import ENDLESS, fleet_of, in_hand, in_shards, kill, line_of, shard_of
from wasmhost import Limits, ObserverHost, Quarantine, WebRtcConnected, WebRtcConnectStart
from wasmhost.errors import DatabaseError, WallError
from wasmhost.shards import watchdog
from wasmhost.shards.household import LOADING
from wasmhost.wall.zygote import Child, ChildLimits, Zygote

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

UP = WebRtcConnected(PEER, relayed=False)
START = WebRtcConnectStart(PEER)
SLOW_START = guest({CONNECTED: REPORT_EVENT}, extra='(func (export "_initialize") (call $spin))')
PATIENT = replace(FAST, limits=Limits(init_fuel=10**15, init_deadline_ms=60_000))


async def test_neighbours_are_served_while_somebody_is_loaded(tmp_path: Path) -> None:
    """One whose start takes until its deadline holds nobody up."""
    sink = MemorySink()
    slow = replace(FAST, limits=Limits(init_fuel=10**15, init_deadline_ms=1_000))
    first = in_shards(tmp_path, {"one": recorder()})
    async with ObserverHost(first, sink=sink) as host:
        with capture_logs():
            reload = asyncio.create_task(
                host.reload(in_shards(tmp_path, {"one": recorder(), "slow": SLOW_START}, {"slow": slow}))
            )
            await in_hand(host, LOADING, 1)
            for seq in range(50):
                host.emit(UP, CTX)
                await until(lambda: len(sink.seqs("one")) == seq + 1)  # noqa: B023 - waited for
            assert not reload.done()
            done = await reload
    assert list(done.refused) == ["slow"]
    assert "deadline" in done.refused["slow"]


async def test_a_death_while_somebody_is_loaded_loads_it_again(tmp_path: Path) -> None:
    """It may have been anybody's; but who kills one process after the other is refused."""
    sink = MemorySink()
    async with ObserverHost(in_shards(tmp_path, {"one": recorder()}), sink=sink) as host:
        with capture_logs():
            new = in_shards(tmp_path, {"one": recorder(), "bad": SLOW_START}, {"bad": PATIENT})
            reload = asyncio.create_task(host.reload(new))
            for _ in range(4):
                await until(lambda: bool(host.shard_pids) or reload.done(), 20)
                if reload.done():
                    break
                await in_hand(host, LOADING, 1)
                host.emit(UP, CTX)
                pid = host.shard_pids
                kill(host)
                await until(lambda: host.shard_pids != pid, 20)  # noqa: B023 - waited for
            done = await reload
        assert "its process died while it was loaded" in done.refused["bad"]
        await host.drain()
        assert [name for name, _ in host._crew.places.items()] == ["one"]
        assert len(shard_of(host).members) == 1
    assert sink.seqs("one") == list(range(host.summary().events))


async def test_a_death_while_one_rests_loses_nothing(tmp_path: Path) -> None:
    """Killed again and again while observers are replaced: every event is delivered once, in order."""
    sink = MemorySink()
    modules = {"one": recorder(), "two": recorder(CONNECTED)}
    settings = [
        in_shards(tmp_path, modules),
        in_shards(tmp_path, modules, {"one": replace(FAST, config={"a": "b"})}),
        in_shards(tmp_path, modules, {"two": replace(FAST, config={"a": "b"})}),
    ]
    over = threading.Event()
    total = 0

    def emit() -> None:
        nonlocal total
        while not over.is_set():
            host.emit(UP, CTX)
            total += 1
            time.sleep(0.001)

    def shoot() -> None:
        for _ in range(6):
            time.sleep(0.1)
            for pid in host.shard_pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    with capture_logs():
        async with ObserverHost(settings[0], sink=sink) as host:
            threads = [threading.Thread(target=work) for work in (emit, shoot)]
            for thread in threads:
                thread.start()
            try:
                for number in range(1, 10):
                    await host.reload(settings[number % 3])
            finally:
                over.set()
                for thread in threads:
                    thread.join()
            await host.drain()
    # A letter in hand at a death is that one's panic, by design; nothing else is missing, and nothing twice.
    for name in modules:
        line, heard = line_of(host, name), sink.seqs(name)
        assert accounted(line) == total
        assert line.skipped == line.dropped == 0
        assert line.delivered == len(heard) == total - line.panics
        assert heard == sorted(set(heard))


async def test_one_that_is_in_backoff_or_quarantine_is_replaced_at_once(tmp_path: Path) -> None:
    """What it has in hand is nothing, however long it would still have waited."""
    sink = MemorySink()
    waits = replace(FAST, backoff_ms=(60_000, 60_000), quarantine=Quarantine(panics=1, within=60, probe=60))
    bad = in_shards(tmp_path, {"one": guest({CONNECTED: TRAP, "on_webrtc_connecting": TRAP})}, {"one": waits})
    async with ObserverHost(bad, sink=sink) as host:
        host.emit(UP, CTX)
        await until(lambda: line_of(host, "one").panics == 1)
        host.emit(START, CTX)
        began = time.monotonic()
        await host.reload(in_shards(tmp_path, {"one": recorder()}))
        host.emit(UP, CTX)
        await host.drain()
        assert time.monotonic() - began < 50
    assert sink.seqs("one") == [1, 2]
    assert line_of(host, "one").state == "running"


async def test_a_shard_that_does_not_let_go_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, it neither rests nor unloads; nobody waits for it for ever."""
    monkeypatch.setattr(watchdog, "STUCK_S", -4.0)  # with the deadlines' 5.1 s that is one second
    sink = MemorySink()
    async with ObserverHost(in_shards(tmp_path, {"one": recorder()}), sink=sink) as host:
        with capture_logs():
            (pid,) = host.shard_pids
            os.kill(pid, signal.SIGSTOP)
            done = await host.reload(in_shards(tmp_path, {"one": quiet()}))
        assert done.replaced == ("one",)
        await host.feed(event())
        await host.drain()
        assert host.shard_pids != (pid,)
    assert line_of(host, "one").delivered == 1


async def test_several_that_are_slow_to_start_are_not_taken_for_one_that_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other comes to the same place, and is refused at its deadline; nobody dies of it."""
    monkeypatch.setattr(watchdog, "STUCK_S", 1.3)
    slow = replace(FAST, limits=Limits(deadline_ms=100, init_fuel=10**15, init_deadline_ms=600))
    names = [f"slow{number}" for number in range(6)]
    modules = {"one": recorder(), **dict.fromkeys(names, SLOW_START)}
    async with ObserverHost(in_shards(tmp_path, {"one": recorder()}), sink=MemorySink()) as host:
        with capture_logs():
            done = await host.reload(in_shards(tmp_path, modules, dict.fromkeys(names, slow)))
        assert sorted(done.refused) == names
        assert shard_of(host).deaths == 0


async def test_a_shard_that_neither_loads_nor_says_so_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it notes of what it has in hand: what it was asked for is known."""
    monkeypatch.setattr(watchdog, "STUCK_S", -4.0)
    slow = replace(FAST, limits=Limits(init_fuel=10**15, init_deadline_ms=5_000))
    modules = {"one": recorder(), "slow": SLOW_START}
    sink = MemorySink()
    async with ObserverHost(in_shards(tmp_path, {"one": recorder()}), sink=sink) as host:
        with capture_logs():
            reload = asyncio.create_task(host.reload(in_shards(tmp_path, modules, {"slow": slow})))
            await in_hand(host, LOADING, 1)
            kill(host, signal.SIGSTOP)
            shard_of(host).household.notes.numbers[1] = 0
            done = await asyncio.wait_for(reload, 30)
        assert "slow" in done.refused
        await host.feed(event())
        await host.drain()
    assert sink.seqs("one") == [0]


async def test_nobody_waits_for_a_process_that_is_not_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not there has nothing in hand: it rests, and is gone; who would come is refused."""
    sink = MemorySink()
    modules = {"one": recorder(), "two": recorder()}
    async with ObserverHost(in_shards(tmp_path, modules), sink=sink) as host:
        fork = Zygote.fork

        def refuse(
            zygote: Zygote,
            job: str,
            end: socket.socket,
            *,
            extra_fds: Sequence[int] = (),
            limits: ChildLimits,
        ) -> Child:
            if job == "shard":
                raise WallError("no process can be made: none is left")
            return fork(zygote, job, end, extra_fds=extra_fds, limits=limits)

        with monkeypatch.context() as patch, capture_logs():
            patch.setattr(Zygote, "fork", refuse)
            kill(host)
            await until(lambda: not host.shard_pids)
            await host.feed(event())
            new = in_shards(tmp_path, {"one": quiet(), "three": recorder()})
            new = replace(new, drain_s=0.1)
            done = await asyncio.wait_for(host.reload(new), 30)
            assert (sorted(done.refused), done.removed) == (["one", "three"], ("two",))
            assert all("none is left" in why for why in done.refused.values())
        await host.drain()
    assert sink.seqs("one") == [0]
    assert line_of(host, "two").dropped == 1


async def test_who_was_refused_takes_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at the start, nor where its state cannot be read."""
    trap = guest({CONNECTED: ""}, extra=f'(func (export "_initialize") {TRAP})')
    stateful = {"two": replace(FAST, grant=FAST.grant | {"state"})}
    with capture_logs():
        first = in_shards(tmp_path, {"one": recorder(), "bad": trap})
        async with ObserverHost(first, sink=MemorySink()) as host:
            assert list(host._crew.refused) == ["bad"]
            assert len(shard_of(host).members) == 1
            services = host._crew._services
            assert services is not None

            def fail(_observer: str) -> bytes | None:
                raise DatabaseError("the disk is gone")

            monkeypatch.setattr(services.states, "load", fail)
            new = in_shards(tmp_path, {"one": recorder(), "two": recorder()}, stateful)
            done = await host.reload(new)
            assert dict(done.refused) == {"two": "the disk is gone"}
            assert len(shard_of(host).members) == 1


async def test_shards_are_started_and_ended_as_they_are_needed(tmp_path: Path) -> None:
    """Never more than there may be, none for nobody, and no process left behind."""
    sink = MemorySink()
    many = {f"n{number}": recorder() for number in range(6)}
    some = replace(config(tmp_path, {"n0": many["n0"]}), isolation="process", shards=3)
    async with ObserverHost(some, sink=sink) as host:
        assert len(fleet_of(host).shards) == 1
        await host.reload(replace(config(tmp_path, many), isolation="process", shards=3))
        assert [len(shard.members) for shard in fleet_of(host).shards] == [2, 2, 2]
        await host.feed(event())
        await host.drain()
        pids = host.shard_pids
        assert len(pids) == 3
        await host.reload(some)
        assert [len(shard.members) for shard in fleet_of(host).shards] == [1]
        assert len(host.shard_pids) == 1
        gone = set(pids) - set(host.shard_pids)
        await until(lambda: not any(os.path.exists(f"/proc/{pid}/maps") for pid in gone))  # noqa: PTH110
    assert all(sink.seqs(name) == [0] for name in many)


async def test_who_is_replaced_in_the_middle_of_a_letter_finishes_it(tmp_path: Path) -> None:
    """Or is stopped at its deadline: that letter is the old one's, and the next is the new one's."""
    sink = MemorySink()
    old = in_shards(
        tmp_path,
        {"one": guest({CONNECTED: SPIN})},
        {"one": replace(ENDLESS, limits=Limits(fuel=10**15, deadline_ms=500))},
    )
    async with ObserverHost(old, sink=sink) as host:
        host.emit(UP, CTX)
        host.emit(UP, CTX)
        await in_hand(host, 1, 0)
        with capture_logs():
            await host.reload(in_shards(tmp_path, {"one": recorder()}))
        await host.drain()
        (panic,) = host.panics.rows()
    assert (panic.kind, panic.seq) == ("deadline", 0)
    assert sink.seqs("one") == [1]
