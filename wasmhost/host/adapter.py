"""The host, or one of its observers, behind the face that observers written in Python have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wasmhost.contract.records import SignalingEvent
from wasmhost.observer import WorkloadHookObserver

if TYPE_CHECKING:
    from wasmhost.contract.records import (
        BackpressureEvent,
        CredentialEvent,
        ErrorEvent,
        Payload,
        PeerEvent,
        RuntimeContext,
    )


class Emit(Protocol):
    """How a hook that nobody awaits is passed on: never blocks."""

    def __call__(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Pass it on."""
        ...


class Call(Protocol):
    """How a lifecycle hook is passed on: awaited, and raises ActrError."""

    async def __call__(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Pass it on, and wait."""
        ...


class SandboxedObserver(WorkloadHookObserver):
    """Passes every hook on to sandboxed observers; see `ObserverHost.as_observer`.

    A lifecycle hook waits for them and raises their errors as one
    :class:`~wasmhost.contract.records.ActrError`. Any other hook is queued when its call returns.

    What this face has no words for is lost on the way: the event's own time (it gets that of the
    call), and the attempt of ``on_signaling_connecting``. The host numbers the events anew.
    """

    def __init__(self, emit: Emit, call: Call) -> None:
        self._emit = emit
        self._call = call

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Pass on, and wait."""
        await self._call("on_start", ctx)

    async def on_ready(self, ctx: RuntimeContext) -> None:
        """Pass on, and wait."""
        await self._call("on_ready", ctx)

    async def on_stop(self, ctx: RuntimeContext) -> None:
        """Pass on, behind all that is queued, and wait."""
        await self._call("on_stop", ctx)

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Pass on, and wait."""
        await self._call("on_error", ctx, event)

    async def on_signaling_connecting(self, ctx: RuntimeContext | None) -> None:
        """Pass on."""
        self._emit("on_signaling_connecting", ctx, SignalingEvent())

    async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:
        """Pass on."""
        self._emit("on_signaling_connected", ctx)

    async def on_signaling_disconnected(self, ctx: RuntimeContext) -> None:
        """Pass on."""
        self._emit("on_signaling_disconnected", ctx)

    async def on_websocket_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_websocket_connecting", ctx, event)

    async def on_websocket_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_websocket_connected", ctx, event)

    async def on_websocket_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_websocket_disconnected", ctx, event)

    async def on_webrtc_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_webrtc_connecting", ctx, event)

    async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_webrtc_connected", ctx, event)

    async def on_webrtc_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass on."""
        self._emit("on_webrtc_disconnected", ctx, event)

    async def on_credential_renewed(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Pass on."""
        self._emit("on_credential_renewed", ctx, event)

    async def on_credential_expiring(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Pass on."""
        self._emit("on_credential_expiring", ctx, event)

    async def on_mailbox_backpressure(self, ctx: RuntimeContext, event: BackpressureEvent) -> None:
        """Pass on."""
        self._emit("on_mailbox_backpressure", ctx, event)
