"""The four lifecycle hooks: awaited, fallible, and collected into one error."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    OK,
    SPIN,
    TRAP,
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
from wasmhost import (
    ActrError,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    Limits,
    ObserverHost,
    Quarantine,
    SignalingConnected,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("isolation")

ERROR = ErrorEvent(ErrorSource("internal", "boom"), ErrorCategory.HANDLER_ERROR, "while testing", 5)


async def test_all_four_are_awaited_and_reach_the_guest(tmp_path: Path) -> None:
    """In order with everything else that is emitted; no error is no error."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": recorder(), "b": quiet()}), sink=sink) as host:
        await host.on_start(CTX)
        host.emit(SignalingConnected(), CTX)
        await host.on_ready(CTX)
        await host.on_error(CTX, ERROR)
        await host.on_stop(CTX)
        await until(lambda: len(sink.records) == 5)
    bodies = sink.bodies("a")
    assert [body["hook"] for body in bodies] == [
        "on_start",
        "on_signaling_connected",
        "on_ready",
        "on_error",
        "on_stop",
    ]
    assert [body["seq"] for body in bodies] == [0, 1, 2, 3, 4]
    assert bodies[3]["event"]["context"] == "while testing"
    lines = host.summary().observers
    assert [(line.delivered, line.skipped) for line in lines] == [(5, 0), (0, 5)]


async def test_a_guests_error_is_raised_as_an_internal_one(tmp_path: Path) -> None:
    """With its own message; it counts as delivered."""
    module = guest({"on_start": err(12)}, text="no such realm")
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
    assert (raised.value.kind, raised.value.message) == ("internal", "no such real")
    (line,) = host.summary().observers
    assert (line.delivered, line.panics) == (1, 0)


async def test_a_trap_is_raised_as_a_panic_of_that_hook(tmp_path: Path) -> None:
    """With the guest's own words where it had some."""
    module = guest(
        {"on_start": "(call $panic (i32.const 16) (i32.const 4)) unreachable", "on_ready": SPIN + OK},
        text="ouch",
    )
    settings = config(tmp_path, {"a": module}, replace(FAST, limits=Limits(fuel=10_000)))
    async with ObserverHost(settings, sink=MemorySink()) as host:
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
        assert (raised.value.kind, raised.value.message) == ("internal", "on_start panicked: ouch")
        with pytest.raises(ActrError) as raised:
            await host.on_ready(CTX)
        assert raised.value.message == "on_ready panicked: the guest used up its fuel"


async def test_several_errors_are_collected_into_one_that_names_them_all(tmp_path: Path) -> None:
    """All observers are told, also after the first one failed."""
    sink = MemorySink()
    modules = {
        "errs": guest({"on_start": err(2)}, text="no"),
        "traps": guest({"on_start": TRAP}),
        "well": recorder("on_start"),
    }
    async with ObserverHost(config(tmp_path, modules), sink=sink) as host:
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
    assert raised.value.kind == "internal"
    assert raised.value.message.startswith(
        "2 observers failed: errs: internal: no; traps: internal: on_start"
    )
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert sink.seqs("well") == [0]


async def test_in_a_stream_an_error_is_logged_at_warn(tmp_path: Path) -> None:
    """Nobody awaits it there."""
    module = guest({"on_start": err(2)}, text="no")
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        with capture_logs() as log:
            await host.feed(event("on_start"))
            await host.drain()
    assert [
        (line["event"], line["log_level"], line["observer"], line["hook"], line["error"]) for line in log
    ] == [("observer returned an error", "warning", "a", "on_start", "no")]
    assert host.summary().observers[0].delivered == 1


async def test_a_hook_in_quarantine_is_passed_over_without_an_error(tmp_path: Path) -> None:
    """The node starts without that observer."""
    module = guest({"on_start": TRAP})
    rule = Quarantine(panics=1, within=60, probe=60)
    async with ObserverHost(
        config(tmp_path, {"a": module}, replace(FAST, quarantine=rule)), sink=MemorySink()
    ) as host:
        with pytest.raises(ActrError):
            await host.on_start(CTX)
        await host.on_start(CTX)
    (line,) = host.summary().observers
    assert (line.panics, line.skipped, line.state) == (1, 1, "quarantined")


async def test_awaited_from_many_tasks_everyone_gets_its_own_result(tmp_path: Path) -> None:
    """The mailbox has room for those that are awaited, always."""
    module = guest(
        {
            "on_ready": "(global.set $n (i32.add (global.get $n) (i32.const 1)))"
            "(if (i32.and (global.get $n) (i32.const 1)) (then (return (i32.const 0))))" + err(4)
        },
        text="even",
    )
    settings = config(tmp_path, {"a": module}, replace(FAST, mailbox=1))
    async with ObserverHost(settings, sink=MemorySink()) as host:
        results = await asyncio.gather(*(host.on_ready(CTX) for _ in range(50)), return_exceptions=True)
    assert [str(result) for result in results] == ["None", "internal: even"] * 25


async def test_a_caller_that_gives_up_waiting_hurts_nobody(tmp_path: Path) -> None:
    """The hook runs on, and what it answers is for nobody."""
    module = guest({"on_start": SPIN + OK, "on_ready": OK})
    settings = config(tmp_path, {"a": module}, replace(FAST, limits=Limits(fuel=10**15, deadline_ms=50)))
    async with ObserverHost(settings, sink=MemorySink()) as host:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await host.on_start(CTX)
        await host.on_ready(CTX)
    (line,) = host.summary().observers
    assert (line.panics, line.delivered) == (1, 1)


async def test_a_lifecycle_call_that_races_with_the_end_is_answered(tmp_path: Path) -> None:
    """With an error that says it was given up; it never hangs."""
    module = guest({"on_start": OK, CONNECTED: SPIN})
    spinning = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=60))
    answers: list[asyncio.Task[None]] = []
    settings = config(tmp_path, {"a": module}, spinning, drain_s=0.01)
    async with ObserverHost(settings, sink=MemorySink()) as host:
        for _ in range(5):
            await host.feed(event())
        answers += [asyncio.create_task(host.on_start(CTX)) for _ in range(3)]
        await asyncio.sleep(0)
    for answer in answers:
        with pytest.raises(ActrError) as raised:
            await asyncio.wait_for(answer, 5)
        assert raised.value.kind == "unavailable"
    (line,) = host.summary().observers
    assert accounted(line) == 8
    assert line.dropped >= 6


async def test_answers_find_a_caller_on_another_loop(tmp_path: Path) -> None:
    """And one whose loop has ended costs nothing."""
    module = guest({"on_start": OK, "on_ready": "(call $burn (i64.const 1000000))" + OK})

    async def give_up(host: ObserverHost) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await host.on_ready(CTX)

    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        await asyncio.to_thread(lambda: asyncio.run(host.on_start(CTX)))
        for _ in range(3):
            await asyncio.to_thread(lambda: asyncio.run(give_up(host)))
        await host.on_start(CTX)
    assert accounted(host.summary().observers[0]) == 5
