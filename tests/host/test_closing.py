"""The end of a host, and its beginning when it is cut short: nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    PEER,
    SPIN,
    TRAP,
    MemorySink,
    accounted,
    config,
    event,
    guest,
    quiet,
    recorder,
    threads,
    until,
)
from wasmhost import DatabaseError, Limits, ObserverHost, SinkError, UserError, WebRtcConnected
from wasmhost.host.loading import load
from wasmhost.host.wake import call_on_loop, uninterrupted

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from wasmhost import ObserverConfig
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest

UP = WebRtcConnected(PEER, relayed=False)
SPINNING = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=40))


async def test_on_the_way_out_all_that_waits_is_delivered_first(tmp_path: Path) -> None:
    """And every report is written, every thread ended, every task too."""
    sink = MemorySink()
    settings = config(tmp_path, {"a": recorder(CONNECTED), "b": quiet()}, db=tmp_path / "w.db")
    async with ObserverHost(settings, sink=sink) as host:
        for _ in range(500):
            host.emit(UP, CTX)
    assert sink.seqs("a") == list(range(500))
    assert not sink.open
    assert threads() == set()
    assert len(asyncio.all_tasks()) == 1


async def test_what_a_live_run_cannot_drain_in_time_counts_as_dropped(tmp_path: Path) -> None:
    """At once, after the delivery under way: not after thirty-two of them."""
    settings = config(tmp_path, {"a": guest({CONNECTED: SPIN}), "b": quiet()}, SPINNING, drain_s=0.05)
    started = time.monotonic()
    async with ObserverHost(settings, sink=MemorySink()) as host:
        for _ in range(300):
            host.emit(UP, CTX)
    assert time.monotonic() - started < 2
    spinner, quick = host.summary().observers
    assert 1 <= spinner.panics <= 10
    assert spinner.panics + spinner.dropped == 300
    assert quick.delivered == 300


async def test_events_that_come_while_it_closes_are_counted(tmp_path: Path) -> None:
    """From other threads, until the very end: none is lost from the counts, and none raises but "closed"."""
    host = ObserverHost(config(tmp_path, {"a": quiet(), "b": recorder(CONNECTED)}), sink=MemorySink())
    ends: list[BaseException] = []

    def emit() -> None:
        try:
            while True:
                host.emit(UP, CTX)
                time.sleep(0.0001)
        except BaseException as error:
            ends.append(error)

    async with host:
        emitters = [threading.Thread(target=emit) for _ in range(3)]
        for emitter in emitters:
            emitter.start()
        await asyncio.sleep(0.02)
    for emitter in emitters:
        emitter.join(5)
    assert [type(end) for end in ends] == [UserError] * 3
    summary = host.summary()
    assert summary.events > 0
    assert [accounted(line) for line in summary.observers] == [summary.events] * 2


async def test_a_feeder_that_waits_for_room_is_let_go_when_the_host_closes(tmp_path: Path) -> None:
    """It would wait for ever otherwise."""
    settings = config(tmp_path, {"a": guest({CONNECTED: SPIN})}, replace(SPINNING, mailbox=1))
    feeders: list[asyncio.Task[None]] = []
    host = ObserverHost(replace(settings, drain_s=0.02), sink=MemorySink(), lossless=True)

    async def run() -> None:
        async with host:
            feeders.extend(asyncio.create_task(host.feed(event(seq=number))) for number in range(6))
            await asyncio.sleep(0.01)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await run()
    await asyncio.wait_for(asyncio.gather(*feeders), 5)
    (line,) = host.summary().observers
    assert accounted(line) == host.summary().events == 6


async def test_an_error_in_the_block_goes_through_after_the_draining(tmp_path: Path) -> None:
    """Closing hides no error of the caller's."""
    host = ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink())

    async def run() -> None:
        async with host:
            host.emit(UP, CTX)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    assert host.summary().observers[0].delivered == 1
    assert threads() == set()


@pytest.mark.parametrize("lossless", [True, False])
async def test_cancelled_it_still_drains_for_a_while_and_closes_all(tmp_path: Path, lossless: bool) -> None:
    """By asyncio, as at the first Ctrl-C; a lossless run then takes no more time than another."""
    sink = MemorySink()
    modules = {"slow": guest({CONNECTED: SPIN}), "good": recorder(CONNECTED)}
    settings = config(tmp_path, modules, SPINNING, db=tmp_path / "w.db", drain_s=0.1)
    host = ObserverHost(settings, sink=sink, lossless=lossless)

    async def run() -> None:
        async with host:
            for _ in range(100):
                host.emit(UP, CTX)
            await asyncio.sleep(60)

    running = asyncio.create_task(run())
    await until(lambda: host.summary().events == 100)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    assert sink.seqs("good") == list(range(100))
    assert not sink.open
    assert threads() == set()
    assert [accounted(line) for line in host.summary().observers] == [100, 100]


async def test_a_second_cancellation_cuts_the_draining_short_and_nothing_else(tmp_path: Path) -> None:
    """However often it comes."""
    settings = config(tmp_path, {"a": guest({CONNECTED: SPIN})}, SPINNING, db=tmp_path / "w.db", drain_s=60)
    host = ObserverHost(settings, sink=MemorySink())

    async def run() -> None:
        async with host:
            for _ in range(100):
                host.emit(UP, CTX)

    running = asyncio.create_task(run())
    await until(lambda: host.summary().events == 100 and host.summary().observers[0].panics > 0)
    started = time.monotonic()
    while not running.done():
        running.cancel()
        await asyncio.sleep(0.001)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - started < 5
    assert threads() == set()
    assert accounted(host.summary().observers[0]) == 100
    with sqlite3.connect(tmp_path / "w.db") as connection:
        (counted,) = connection.execute("SELECT sum(count) FROM panic_signature").fetchone()
    connection.close()
    assert counted == host.summary().observers[0].panics


async def test_cancelled_by_a_scope_of_anyios_it_closes_all(tmp_path: Path) -> None:
    """That cancellation comes again at every step, and is kept off."""
    sink = MemorySink()
    settings = config(tmp_path, {"a": recorder(CONNECTED)}, db=tmp_path / "w.db")
    with anyio.CancelScope() as scope:
        async with ObserverHost(settings, sink=sink) as host:
            for _ in range(100):
                host.emit(UP, CTX)
            scope.cancel()
            await anyio.sleep(60)
    assert scope.cancelled_caught
    assert sink.seqs("a") == list(range(100))
    assert threads() == set()


async def test_a_sink_that_waits_while_it_closes_is_let_do_so(tmp_path: Path) -> None:
    """Also where a scope of anyio's was cancelled."""

    class Waiting(MemorySink):
        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            await anyio.sleep(0.001)
            await super().__aexit__(kind, error, trace)

    sink = Waiting()
    with anyio.CancelScope() as scope:
        async with ObserverHost(config(tmp_path, {"a": quiet()}), sink=sink):
            scope.cancel()
            await anyio.sleep(60)
    assert not sink.open


@pytest.mark.parametrize("how", ["asyncio", "anyio"])
async def test_cancelled_while_it_loads_it_closes_what_it_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Compiling cannot be interrupted: it is waited for, and what was opened is closed."""
    sink = MemorySink()
    loading, loaded = threading.Event(), list[object]()

    def slowly(observer: ObserverConfig, engine: SandboxEngine) -> Guest:
        loading.set()
        time.sleep(0.05)
        guest = load(observer, engine)
        loaded.append(guest)
        return guest

    monkeypatch.setattr("wasmhost.host.threads.load", slowly)
    settings = config(tmp_path, {"a": quiet(), "b": quiet()}, db=tmp_path / "w.db")
    host = ObserverHost(settings, sink=sink)
    if how == "asyncio":
        entering = asyncio.create_task(host.__aenter__())
        await until(loading.is_set)
        entering.cancel()
        await asyncio.sleep(0)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
    else:
        with anyio.move_on_after(0.02):
            async with host:
                raise AssertionError("it was cancelled")
    assert len(loaded) == 1
    assert not sink.open
    assert threads() == set()
    assert len(asyncio.all_tasks()) == 1


async def test_what_cannot_be_opened_is_told_and_the_rest_is_closed(tmp_path: Path) -> None:
    """A database that is none, reports to a place that is not there."""
    modules = {"a": quiet()}
    (tmp_path / "not.db").write_bytes(b"x" * 5000)
    with pytest.raises(DatabaseError):
        async with ObserverHost(config(tmp_path, modules, db=tmp_path / "not.db"), sink=MemorySink()):
            pass
    settings = replace(config(tmp_path, modules, db=tmp_path / "w.db"), reports=str(tmp_path / "no" / "file"))
    with pytest.raises(SinkError):
        async with ObserverHost(settings):
            pass
    assert threads() == set()


async def test_a_bug_while_loading_one_module_keeps_no_other_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with the bug as the reason."""

    def fail(observer: ObserverConfig, engine: SandboxEngine) -> Guest:
        if observer.name == "bad":
            raise ValueError("a bug")
        return load(observer, engine)

    monkeypatch.setattr("wasmhost.host.threads.load", fail)
    with capture_logs():
        async with ObserverHost(
            config(tmp_path, {"bad": quiet(), "good": quiet()}), sink=MemorySink()
        ) as host:
            host.emit(UP, CTX)
    bad, good = host.summary().observers
    assert (bad.state, good.delivered) == ("refused", 1)
    assert "which is a bug: ValueError('a bug')" in (bad.reason or "")


async def test_many_hosts_leave_nothing_behind(tmp_path: Path) -> None:
    """No thread, no task, no cycle that holds a sandbox."""
    settings = config(tmp_path, {"a": recorder(CONNECTED), "b": guest({CONNECTED: TRAP})})
    before = threading.active_count()
    for _ in range(8):
        async with ObserverHost(settings, sink=MemorySink()) as host:
            host.emit(UP, CTX)
    assert threads() == set()
    assert threading.active_count() <= before + 1  # anyio keeps a worker of its own for a while
    gc.collect()


async def test_an_idle_host_disarms_its_tickers(tmp_path: Path) -> None:
    """After loading, and when all has been still for a moment; a deadline still holds after that."""
    settings = config(tmp_path, {"a": guest({CONNECTED: SPIN})}, SPINNING)
    async with ObserverHost(settings, sink=MemorySink()) as host:
        ticker = host._dispatcher.posts[0].runner._engine.ticker  # type: ignore[attr-defined]
        for number in range(1, 4):
            await until(lambda: not ticker._armed)
            host.emit(UP, CTX)
            await until(lambda: ticker._armed)
            await until(lambda number=number: host.summary().observers[0].panics == number)  # type: ignore[misc]
    assert {row.kind for row in host.panics.rows()} == {"deadline"}


async def test_uninterrupted_work_is_awaited_to_its_end() -> None:
    """Whoever cancels, and however often; the cancellation comes after."""
    done: list[str] = []

    async def work() -> str:
        await asyncio.sleep(0.03)
        done.append("done")
        return "result"

    assert await uninterrupted(work()) == "result"
    waiting = asyncio.create_task(uninterrupted(work()))
    for _ in range(3):
        await asyncio.sleep(0.002)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done == ["done", "done"]


async def test_uninterrupted_work_may_fail() -> None:
    """Its error is raised; where the caller was cancelled, the cancellation is."""

    async def work() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await uninterrupted(work())
    waiting = asyncio.create_task(uninterrupted(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gc.collect()  # would tell of an exception that nobody retrieved


def test_a_loop_that_has_ended_is_left_in_peace() -> None:
    """Calling it raises nothing."""
    loop = asyncio.new_event_loop()
    loop.close()
    call_on_loop(loop, print)
