"""Sandboxed guests behind the face that observers in Python have."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    ALL_HOOKS,
    CTX,
    OK,
    PEER,
    TRAP,
    MemorySink,
    accounted,
    config,
    err,
    guest,
    quiet,
    recorder,
    until,
)
from tests.host.test_host import EVENTS
from wasmhost import (
    ActrError,
    ObserverGroup,
    ObserverHost,
    PeerEvent,
    RuntimeContext,
    SignalingConnected,
    SignalingConnectStart,
    UserError,
    WebRtcConnected,
    WorkloadHookObserver,
    build_hook_callback,
)
from wasmhost.contract.records import route
from wasmhost.host.adapter import SandboxedObserver
from wasmhost.observer import ForwardingObserver, call_hook

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("isolation")


async def ctx_builder() -> RuntimeContext:
    """Build the context."""
    return CTX


async def test_every_hook_of_the_face_is_passed_on(tmp_path: Path) -> None:
    """Under its name, with its context and its payload, in order."""
    sink = MemorySink()
    calls = [(name, None) for name in ("on_start", "on_ready", "on_stop")] + [route(e, 7) for e in EVENTS]
    async with ObserverHost(config(tmp_path, {"a": recorder()}), sink=sink) as host:
        observer = host.as_observer()
        for hook, payload in calls:
            await call_hook(observer, hook, CTX, payload)
    bodies = sink.bodies("a")
    assert [body["hook"] for body in bodies] == [hook for hook, _payload in calls]
    assert [body["seq"] for body in bodies] == list(range(16))
    assert all(body["ctx"]["request-id"] == CTX.request_id for body in bodies)
    connected = next(body["event"] for body in bodies if body["hook"] == "on_webrtc_connected")
    assert connected["relayed"] is True
    uncertain = next(body["event"] for body in bodies if body["hook"] == "on_error")
    assert uncertain["stream"]["session-id"] == 2**64 - 1


def test_no_hook_of_the_face_is_forgotten() -> None:
    """Each of the sixteen is overridden, with the same parameters."""
    for hook in ALL_HOOKS:
        assert hook in vars(ForwardingObserver)
        own, face = (
            inspect.signature(getattr(kind, hook)) for kind in (SandboxedObserver, WorkloadHookObserver)
        )
        assert own == face


async def test_it_serves_a_nodes_hook_callback(tmp_path: Path) -> None:
    """All thirteen events, with the default record logged first; the attempt is lost on the way."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": recorder()}), sink=sink) as host:
        callback = build_hook_callback(host.as_observer(), ctx_builder)
        with capture_logs() as log:
            for emitted in EVENTS:
                await callback(emitted)
        await until(lambda: len(sink.records) == 13)
    assert [body["hook"] for body in sink.bodies("a")] == [route(emitted, 0)[0] for emitted in EVENTS]
    assert sink.bodies("a")[0]["event"] == {}
    assert [line["event"] for line in log][:2] == ["signaling connecting", "signaling connected"]


async def test_without_a_context_the_early_hooks_are_passed_on(tmp_path: Path) -> None:
    """And the callback keeps back the others."""

    async def nobody_yet() -> None:
        return None

    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"a": recorder()}), sink=sink) as host:
        callback = build_hook_callback(host.as_observer(), nobody_yet)
        await callback(SignalingConnectStart(1))
        await callback(WebRtcConnected(PEER, relayed=False))
        await callback(SignalingConnected())
        await until(lambda: len(sink.records) == 2)
    assert [body["hook"] for body in sink.bodies("a")] == [
        "on_signaling_connecting",
        "on_signaling_connected",
    ]


async def test_lifecycle_hooks_are_awaited_and_raise(tmp_path: Path) -> None:
    """A guest's error, or its trap."""
    module = guest({"on_start": err(2), "on_ready": TRAP, "on_stop": OK}, text="no")
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        observer = ObserverGroup([host.as_observer()])
        with pytest.raises(ActrError, match="internal: no"):
            await observer.on_start(CTX)
        with pytest.raises(ActrError, match="internal: on_ready panicked"):
            await observer.on_ready(CTX)
        await observer.on_stop(CTX)
    assert host.summary().observers[0].delivered == 2


async def test_an_error_that_on_error_returns_is_logged_by_the_callback(tmp_path: Path) -> None:
    """As that of any other observer."""
    module = guest({"on_error": err(2)}, text="no")
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        callback = build_hook_callback(host.as_observer(), ctx_builder)
        with capture_logs() as log:
            await callback(EVENTS[6])
            await until(lambda: any("returned Err" in line["event"] for line in log))
    assert [(line["event"], line["error"]) for line in log if "returned Err" in line["event"]] == [
        ("workload on_error returned Err", "internal: no")
    ]


async def test_one_guest_alone_can_be_offered(tmp_path: Path) -> None:
    """The others hear nothing of it, count it as skipped, and everything still adds up."""
    sink = MemorySink()
    modules = {"a": recorder(), "b": recorder(), "c": quiet("on_credential_renewed")}
    async with ObserverHost(config(tmp_path, modules), sink=sink) as host:
        only = host.as_observer("b")
        await only.on_webrtc_connected(CTX, PeerEvent(PEER, relayed=True))
        await only.on_start(CTX)
        host.emit(SignalingConnected(), CTX)
        await only.on_signaling_disconnected(None)  # type: ignore[arg-type]  # without a context, so skipped
    assert [body["hook"] for body in sink.bodies("a")] == ["on_signaling_connected"]
    assert [body["hook"] for body in sink.bodies("b")] == [
        "on_webrtc_connected",
        "on_start",
        "on_signaling_connected",
    ]
    lines = host.summary().observers
    assert [(line.delivered, line.skipped) for line in lines] == [(1, 3), (3, 1), (0, 4)]
    assert {accounted(line) for line in lines} == {4}


async def test_only_an_observer_that_runs_can_be_offered(tmp_path: Path) -> None:
    """One that was refused is none."""
    with capture_logs():
        async with ObserverHost(config(tmp_path, {"refused": b""}), sink=MemorySink()) as host:
            for name in ("refused", "unknown"):
                with pytest.raises(UserError, match=f'no observer "{name}" runs'):
                    host.as_observer(name)


async def test_awaiting_a_hook_that_is_not_fallible_only_queues_it(tmp_path: Path) -> None:
    """However long the guest takes over it."""
    module = guest({"on_webrtc_connected": "(call $burn (i64.const 1000000))"})
    async with ObserverHost(config(tmp_path, {"a": module}), sink=MemorySink()) as host:
        observer = host.as_observer()
        hook = observer.on_webrtc_connected(CTX, PeerEvent(PEER, relayed=True))
        with pytest.raises(StopIteration):
            hook.send(None)  # it never waits
        await asyncio.sleep(0)
    assert host.summary().observers[0].delivered == 1
