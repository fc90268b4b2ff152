"""A line about each event, for a person who watches the node."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pynode.identity import short
from wasmhost import (
    CredentialExpiring,
    CredentialRenewed,
    DataStreamDeliveryUncertain,
    MailboxBackpressure,
    SignalingConnected,
    SignalingConnectStart,
    SignalingDisconnected,
    WebRtcConnected,
    WebRtcConnectStart,
    WebRtcDisconnected,
    WebSocketConnected,
    WebSocketConnectStart,
    WebSocketDisconnected,
)

if TYPE_CHECKING:
    from wasmhost import HookEvent


def describe(event: HookEvent) -> str:  # noqa: C901 - thirteen events, a line for each
    """Word an event."""
    match event:
        case SignalingConnectStart(attempt):
            return f"signaling connecting, attempt {attempt}"
        case SignalingConnected():
            return "signaling connected"
        case SignalingDisconnected():
            return "signaling disconnected"
        case WebSocketConnectStart(peer):
            return f"websocket connecting {short(peer)}"
        case WebSocketConnected(peer):
            return f"websocket connected {short(peer)}"
        case WebSocketDisconnected(peer):
            return f"websocket disconnected {short(peer)}"
        case WebRtcConnectStart(peer):
            return f"webrtc connecting {short(peer)}"
        case WebRtcConnected(peer, relayed):
            return f"webrtc connected {short(peer)}, {'relayed' if relayed else 'direct'}"
        case WebRtcDisconnected(peer, status):
            return f"webrtc disconnected {short(peer)}, {status}"
        case DataStreamDeliveryUncertain(stream, session, reason):
            return f"data stream {stream}/{session} uncertain: {reason}"
        case CredentialRenewed(expiry):
            return f"credential renewed, until {_time(expiry)}"
        case CredentialExpiring(expiry):
            return f"credential expiring at {_time(expiry)}"
        case MailboxBackpressure(waiting, threshold):
            return f"mailbox: {waiting} wait, {threshold} is pressure"


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%H:%M:%S UTC")
