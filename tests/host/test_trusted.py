"""Observers in Python beside the guests: on the loop, in order, isolated, under a timeout."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    ALL_HOOKS,
    CONNECTED,
    CTX,
    PEER,
    MemorySink,
    accounted,
    config,
    event,
    quiet,
    recorder,
    until,
)
from wasmhost import (
    ActrError,
    ActrId,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    ObserverGroup,
    ObserverHost,
    PeerEvent,
    RuntimeContext,
    SignalingConnected,
    SignalingConnectStart,
    SignalingDisconnected,
    WebRtcConnected,
    WorkloadHookObserver,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class Spy(WorkloadHookObserver):
    """Remembers what it hears, and does something at each WebRTC connection and at the start."""

    def __init__(self, action: Callable[[], Awaitable[object]] | None = None) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.threads: set[int] = set()
        self._action = action

    def _note(self, *what: object) -> None:
        self.heard.append(what)
        self.threads.add(threading.get_ident())

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Note it, and act."""
        self._note("start", ctx)
        if self._action is not None:
            await self._action()

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Note it, and return an error."""
        self._note("error", ctx, event)
        raise ActrError("unavailable", "not now")

    async def on_signaling_connecting(self, ctx: RuntimeContext | None) -> None:
        """Note it."""
        self._note("connecting", ctx)

    async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Note it, and act."""
        self._note("connected", ctx, event)
        if self._action is not None:
            await self._action()


def peer(number: int) -> WebRtcConnected:
    """Make an event that its number tells apart."""
    return WebRtcConnected(ActrId(PEER.realm, number, PEER.type), relayed=True)


def emit(host: ObserverHost) -> None:
    """Emit fifty events."""
    for number in range(50):
        host.emit(peer(number), CTX)


async def test_it_hears_typed_events_in_order_on_the_loops_thread(tmp_path: Path) -> None:
    """Emitted from whichever thread; beside guests."""
    spy, sink = Spy(), MemorySink()
    async with ObserverHost(config(tmp_path, {"a": recorder()}), trusted=[spy], sink=sink) as host:
        host.emit(SignalingConnectStart(1))
        await asyncio.to_thread(emit, host)
    assert spy.heard[0] == ("connecting", None)
    assert spy.heard[1:] == [
        ("connected", CTX, PeerEvent(ActrId(PEER.realm, number, PEER.type), relayed=True))
        for number in range(50)
    ]
    assert spy.threads == {threading.get_ident()}
    guest, trusted = host.summary().observers
    assert (guest.delivered, trusted.delivered) == (51, 51)
    assert (trusted.name, trusted.module_sha256, trusted.fuel) == ("Spy", None, None)


async def test_one_hook_runs_at_a_time(tmp_path: Path) -> None:
    """Also where they wait for something."""
    running = 0

    async def wait() -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.001)
        running -= 1

    spy = Spy(wait)
    async with ObserverHost(config(tmp_path, {}), trusted=[spy], sink=MemorySink()) as host:
        for number in range(10):
            host.emit(peer(number), CTX)
    assert host.summary().observers[0].delivered == 10


def _raiser(error: BaseException) -> Callable[[], Awaitable[object]]:
    async def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "info"),
    [
        (ValueError("a bug"), "a bug"),
        (ActrError("internal", "from a hook that has none"), "internal: from a hook that has none"),
        (TimeoutError("its own"), "its own"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
        (ExceptionGroup("two", [ValueError("a"), ValueError("b")]), "two (2 sub-exceptions)"),
    ],
)
async def test_whatever_a_hook_raises_is_isolated_and_counted(
    tmp_path: Path, error: BaseException, info: str
) -> None:
    """An ActrError too: only the four lifecycle hooks have errors to return."""
    bad, good = Spy(_raiser(error)), Spy()
    with capture_logs() as log:
        async with ObserverHost(config(tmp_path, {}), trusted=[bad, good], sink=MemorySink()) as host:
            for number in range(3):
                host.emit(peer(number), CTX)
            host.emit(SignalingConnectStart(), CTX)
    assert [line["panic"] for line in log if line["event"] == "workload hook panicked; isolated"] == [
        info
    ] * 3
    first, second = host.summary().observers
    assert (first.panics, first.delivered) == (3, 1)
    assert (second.panics, second.delivered) == (0, 4)
    assert bad.heard[-1] == ("connecting", CTX)


async def test_a_hook_that_takes_too_long_is_cancelled_and_logged(tmp_path: Path) -> None:
    """The next event is served as if nothing had been."""
    spy = Spy(lambda: asyncio.sleep(60))
    settings = replace(config(tmp_path, {}), trusted_timeout_s=0.02)
    with capture_logs() as log:
        async with ObserverHost(settings, trusted=[spy], sink=MemorySink()) as host:
            host.emit(peer(1), CTX)
            host.emit(SignalingConnectStart(), CTX)
            with pytest.raises(ActrError) as raised:
                await host.on_start(CTX)
    assert raised.value.message == "on_start panicked: it took longer than 0.02 s"
    assert [line["hook"] for line in log if "took too long" in line["event"]] == [CONNECTED, "on_start"]
    (line,) = host.summary().observers
    assert (line.panics, line.delivered) == (2, 1)


async def test_lifecycle_errors_come_back_as_they_were_raised(tmp_path: Path) -> None:
    """And a panic as an internal error that names the hook; several as one."""
    error = ErrorEvent(ErrorSource("internal", "x"), ErrorCategory.HANDLER_ERROR, "", 1)
    refuses, breaks = Spy(_raiser(ActrError("denied", "no"))), Spy(_raiser(KeyError("k")))
    async with ObserverHost(config(tmp_path, {}), trusted=[refuses], sink=MemorySink()) as host:
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
        assert (raised.value.kind, raised.value.message) == ("denied", "no")
        with pytest.raises(ActrError) as raised:
            await host.on_error(CTX, error)
        assert raised.value.kind == "unavailable"
        assert refuses.heard[-1] == ("error", CTX, error)
    async with ObserverHost(config(tmp_path, {}), trusted=[refuses, breaks], sink=MemorySink()) as host:
        with pytest.raises(ActrError) as raised:
            await host.on_start(CTX)
    assert (
        raised.value.message == "2 observers failed: Spy: denied: no; Spy-2: internal: on_start panicked: 'k'"
    )
    assert [line.delivered for line in host.summary().observers] == [1, 0]


async def test_in_a_stream_its_error_is_logged_at_warn(tmp_path: Path) -> None:
    """Nobody awaits it there."""
    with capture_logs() as log:
        async with ObserverHost(
            config(tmp_path, {}), trusted=[Spy(_raiser(ActrError("denied", "no")))], sink=MemorySink()
        ) as host:
            await host.feed(event("on_start"))
    assert [(line["event"], line["log_level"]) for line in log] == [
        ("workload on_start returned Err", "warning")
    ]
    assert host.summary().observers[0].delivered == 1


async def test_names_never_collide(tmp_path: Path) -> None:
    """Each observer has a line of its own in the summary."""
    async with ObserverHost(
        config(tmp_path, {"Spy": quiet()}), trusted=[Spy(), Spy(), ObserverGroup([])], sink=MemorySink()
    ) as host:
        pass
    assert [line.name for line in host.summary().observers] == ["Spy", "Spy-2", "Spy-3", "ObserverGroup"]


async def test_hooks_that_never_wait_do_not_hold_the_loop(tmp_path: Path) -> None:
    """However many events there are."""
    spy = Spy()
    turns = 0
    async with ObserverHost(config(tmp_path, {}), trusted=[spy], sink=MemorySink()) as host:
        for number in range(1_000):
            host.emit(peer(number), CTX)
        while len(spy.heard) < 1_000:
            await asyncio.sleep(0)
            turns += 1
    assert turns > 10


async def test_at_the_end_what_it_did_not_get_to_counts_as_dropped(tmp_path: Path) -> None:
    """The hook under way is cancelled, and whoever awaits one is told."""
    spy = Spy(lambda: asyncio.sleep(60))
    started = time.monotonic()
    async with ObserverHost(config(tmp_path, {}, drain_s=0.02), trusted=[spy], sink=MemorySink()) as host:
        for number in range(5):
            host.emit(peer(number), CTX)
        waiting = asyncio.create_task(host.on_start(CTX))
        host.emit(SignalingDisconnected())  # without a context: skipped
    with pytest.raises(ActrError) as raised:
        await waiting
    assert raised.value.kind == "unavailable"
    assert time.monotonic() - started < 3
    (line,) = host.summary().observers
    assert (line.delivered, line.dropped, line.skipped) == (0, 6, 1)
    assert accounted(line) == host.summary().events


async def test_a_hook_that_ignores_its_cancellation_holds_up_the_end_only_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named in the log."""
    stop = asyncio.Event()

    async def stubborn() -> None:
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    from wasmhost.host import services

    monkeypatch.setattr(services, "CANCEL_S", 0.05)
    with capture_logs() as log:
        async with ObserverHost(
            config(tmp_path, {}, drain_s=0.02), trusted=[Spy(stubborn)], sink=MemorySink()
        ) as host:
            host.emit(peer(1), CTX)
    assert [line["task"] for line in log if "ignores its cancellation" in line["event"]] == ["wasmhost-Spy"]
    stop.set()
    await until(lambda: host.summary().observers[0].delivered == 1)


async def test_a_hook_that_swallows_its_cancellation_is_the_last_one(tmp_path: Path) -> None:
    """It counts as delivered, and its task ends."""

    async def swallow() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    started = time.monotonic()
    async with ObserverHost(
        config(tmp_path, {}, drain_s=0.02), trusted=[Spy(swallow)], sink=MemorySink()
    ) as host:
        host.emit(peer(1), CTX)
        host.emit(peer(2), CTX)
    assert time.monotonic() - started < 0.9
    (line,) = host.summary().observers
    assert (line.delivered, line.dropped) == (1, 1)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("wasmhost-")]


async def test_it_may_emit_itself(tmp_path: Path) -> None:
    """From within a hook, also for itself: the event comes after those that wait."""
    hosts: list[ObserverHost] = []

    class Echo(Spy):
        async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
            await super().on_webrtc_connected(ctx, event)
            hosts[0].emit(SignalingConnectStart(), ctx)

    echo = Echo()
    async with ObserverHost(config(tmp_path, {"a": recorder()}), trusted=[echo], sink=MemorySink()) as host:
        hosts.append(host)
        host.emit(peer(1), CTX)
        host.emit(SignalingConnected(), CTX)
    assert [what[0] for what in echo.heard] == ["connected", "connecting"]
    assert {accounted(line) for line in host.summary().observers} == {3}


async def test_all_sixteen_hooks_can_be_fed_to_it(tmp_path: Path) -> None:
    """As they come from a source."""
    async with ObserverHost(
        config(tmp_path, {}), trusted=[WorkloadHookObserver()], lossless=True, sink=MemorySink()
    ) as host:
        number = 0
        for hook in ALL_HOOKS:
            if hook in {"on_start", "on_ready", "on_stop", "on_signaling_connected", CONNECTED}:
                await host.feed(event(hook, number))
                number += 1
    assert host.summary().observers[0].delivered == number == 5
