"""The default record of every event, logged whether or not anybody observes the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from wasmhost.contract import records as r
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.contract.records import HookEvent

_LIMIT = 512  # of a value

_log = structlog.get_logger("wasmhost.events")

# Event, level, message, and the fields that go with it. Identities are logged in their readable form.
_TABLE: dict[type[HookEvent], tuple[str, str, tuple[str, ...]]] = {
    r.SignalingConnectStart: ("debug", "signaling connecting", ("attempt",)),
    r.SignalingConnected: ("info", "signaling connected", ()),
    r.SignalingDisconnected: ("warning", "signaling disconnected", ()),
    r.WebRtcConnectStart: ("debug", "webrtc connecting", ("peer",)),
    r.WebRtcConnected: ("info", "webrtc connected", ("peer", "relayed")),
    r.WebRtcDisconnected: ("warning", "webrtc disconnected", ("peer",)),
    r.DataStreamDeliveryUncertain: (
        "warning",
        "data stream delivery uncertain",
        ("stream_id", "session_id", "reason"),
    ),
    r.WebSocketConnectStart: ("debug", "websocket connecting", ("peer",)),
    r.WebSocketConnected: ("info", "websocket connected", ("peer",)),
    r.WebSocketDisconnected: ("warning", "websocket disconnected", ("peer",)),
    r.CredentialRenewed: ("info", "credential renewed", ("new_expiry",)),
    r.CredentialExpiring: ("warning", "credential expiring soon", ("new_expiry",)),
    r.MailboxBackpressure: ("warning", "mailbox backpressure", ("queue_len", "threshold")),
}


def log_hook_event(event: HookEvent) -> None:
    """Log an event's default record through structlog, at the level its kind has.

    Times stay Unix nanoseconds. Raises TypeError for anything that is no event.
    """
    try:
        level, message, fields = _TABLE[type(event)]
    except KeyError:
        raise TypeError(f"not a hook event: {type(event).__name__}") from None
    values = {field: _value(event, field) for field in fields}
    getattr(_log, level)(message, **values)


def _value(event: HookEvent, field: str) -> object:
    if field == "peer":
        peer = str(getattr(event, "peer_id"))  # noqa: B009  # which events have it, the table says
        return escape_untrusted(peer, _LIMIT)  # a peer names itself
    value: object = getattr(event, field)
    return escape_untrusted(value, _LIMIT) if isinstance(value, str) else value
