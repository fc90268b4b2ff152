"""Frozen records of the contract: identities, contexts, events, payloads, and the route between them.

A node emits one of thirteen *events*. :func:`route` says which hook each becomes and which *payload*
the hook is handed. The payload records are those of ``wit/types.wit``, field for field (a test
compares them); the events are the node's side and have no WIT of their own.

All times are Unix time in nanoseconds. No record checks its values: that is done once, where bytes
come in (:mod:`wasmhost.contract.schema`) or go out (:mod:`wasmhost.contract.encode`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Realm:
    """The administrative domain a node belongs to. ``realm_id`` is an unsigned 32-bit number."""

    realm_id: int


@dataclass(frozen=True, slots=True)
class ActrType:
    """What kind of actor a node runs: who made it, its name, its version as the maker writes it."""

    manufacturer: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ActrId:
    """A node's full identity. ``serial_number`` is unsigned, 64 bits, unique in its realm."""

    realm: Realm
    serial_number: int
    type: ActrType

    def __str__(self) -> str:
        """``manufacturer/name/version#serial@realm``, for logs."""
        kind = self.type
        return f"{kind.manufacturer}/{kind.name}/{kind.version}#{self.serial_number}@{self.realm.realm_id}"


@dataclass(frozen=True, slots=True)
class RuntimeContext:
    """Who observed an event: the node, on whose behalf (if anybody's), serving which request."""

    self_id: ActrId
    caller_id: ActrId | None = None
    request_id: str = ""


class PeerStatus(StrEnum):
    """The state of a connection to a peer, as the node sees it."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECOVERING = "recovering"


class ErrorCategory(StrEnum):
    """Where in the node an error arose."""

    HANDLER_PANIC = "handler-panic"
    HANDLER_ERROR = "handler-error"
    SIGNALING_FAILURE = "signaling-failure"
    TRANSPORT_FAILURE = "transport-failure"
    DATA_STREAM_DELIVERY_UNCERTAIN = "data-stream-delivery-uncertain"


class ActrError(Exception):
    """The error a fallible hook returns, by raising it.

    ``kind`` is a short word such as "internal" or "unavailable", ``message`` what happened.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


# Payloads: what a hook is handed beside its context.


@dataclass(frozen=True, slots=True)
class ErrorSource:
    """An error as the node's own code words it; ``kind`` as in :class:`ActrError`."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The data stream an uncertain delivery was about. ``session_id`` is unsigned, 64 bits."""

    stream_id: str
    session_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class SignalingEvent:
    """Payload of ``on_signaling_connecting``: which attempt (from 1, 32 bits), where the node says."""

    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class PeerEvent:
    """Payload of the websocket and webrtc hooks.

    ``relayed`` is known for ``on_webrtc_connected`` only; ``status`` where the node says.
    """

    peer: ActrId
    relayed: bool | None = None
    status: PeerStatus | None = None


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Payload of ``on_error``: what went wrong, where, during what, when (nanoseconds)."""

    source: ErrorSource
    category: ErrorCategory
    context: str
    at: int
    stream: StreamInfo | None = None


@dataclass(frozen=True, slots=True)
class CredentialEvent:
    """Payload of both credential hooks: when the credential ends, in nanoseconds."""

    new_expiry: int


@dataclass(frozen=True, slots=True)
class BackpressureEvent:
    """Payload of ``on_mailbox_backpressure``: messages waiting, and at how many it is pressure."""

    queue_len: int
    threshold: int


Payload: TypeAlias = SignalingEvent | PeerEvent | ErrorEvent | CredentialEvent | BackpressureEvent
"""Whatever a hook can be handed beside its context."""


# Events: what a node emits.


@dataclass(frozen=True, slots=True)
class SignalingConnectStart:
    """The node dials its signaling server, for the ``attempt``-th time where it says."""

    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class SignalingConnected:
    """The signaling connection stands."""


@dataclass(frozen=True, slots=True)
class SignalingDisconnected:
    """The signaling connection is lost."""


@dataclass(frozen=True, slots=True)
class WebRtcConnectStart:
    """A WebRTC connection to ``peer_id`` is being made."""

    peer_id: ActrId
    status: PeerStatus | None = None


@dataclass(frozen=True, slots=True)
class WebRtcConnected:
    """A WebRTC connection to ``peer_id`` stands, through a relay or not."""

    peer_id: ActrId
    relayed: bool
    status: PeerStatus | None = None


@dataclass(frozen=True, slots=True)
class WebRtcDisconnected:
    """A WebRTC connection to ``peer_id`` is gone or, with status ``recovering``, being rebuilt."""

    peer_id: ActrId
    status: PeerStatus | None = None


@dataclass(frozen=True, slots=True)
class DataStreamDeliveryUncertain:
    """A data stream ended with its WebRTC connection, and nobody knows what arrived."""

    stream_id: str
    session_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class WebSocketConnectStart:
    """A WebSocket connection to ``peer_id`` is being made."""

    peer_id: ActrId


@dataclass(frozen=True, slots=True)
class WebSocketConnected:
    """A WebSocket connection to ``peer_id`` stands."""

    peer_id: ActrId


@dataclass(frozen=True, slots=True)
class WebSocketDisconnected:
    """A WebSocket connection to ``peer_id`` is gone."""

    peer_id: ActrId


@dataclass(frozen=True, slots=True)
class CredentialRenewed:
    """The node has a new credential, good until ``new_expiry``."""

    new_expiry: int


@dataclass(frozen=True, slots=True)
class CredentialExpiring:
    """The node's credential ends soon, at ``new_expiry``."""

    new_expiry: int


@dataclass(frozen=True, slots=True)
class MailboxBackpressure:
    """``queue_len`` messages wait in the node's mailbox; from ``threshold`` on that is pressure."""

    queue_len: int
    threshold: int


HookEvent: TypeAlias = (
    SignalingConnectStart
    | SignalingConnected
    | SignalingDisconnected
    | WebRtcConnectStart
    | WebRtcConnected
    | WebRtcDisconnected
    | DataStreamDeliveryUncertain
    | WebSocketConnectStart
    | WebSocketConnected
    | WebSocketDisconnected
    | CredentialRenewed
    | CredentialExpiring
    | MailboxBackpressure
)
"""Whatever a node can emit."""


def route(event: HookEvent, at: int) -> tuple[str, Payload | None]:
    """Name the one hook an event belongs to, and make the payload that hook is handed.

    ``at`` is when the event happened, in Unix nanoseconds; only the payload of ``on_error`` says so
    a second time. Raises TypeError for anything that is no event.
    """
    try:
        hook, payload = _ROUTES[type(event)]
    except KeyError:
        raise TypeError(f"not a hook event: {type(event).__name__}") from None
    return hook, payload(event, at)


def _nothing(_event: object, _at: int) -> None:
    return None


def _peer(event: WebSocketConnectStart | WebSocketConnected | WebSocketDisconnected, _at: int) -> PeerEvent:
    return PeerEvent(event.peer_id)


def _peer_with_status(event: WebRtcConnectStart | WebRtcDisconnected, _at: int) -> PeerEvent:
    return PeerEvent(event.peer_id, None, event.status)


def _credential(event: CredentialRenewed | CredentialExpiring, _at: int) -> CredentialEvent:
    return CredentialEvent(event.new_expiry)


def _uncertain(event: DataStreamDeliveryUncertain, at: int) -> ErrorEvent:
    return ErrorEvent(
        source=ErrorSource("unavailable", "data stream delivery uncertain after WebRTC disconnect"),
        category=ErrorCategory.DATA_STREAM_DELIVERY_UNCERTAIN,
        context=f"stream_id={event.stream_id}; session_id={event.session_id}; reason={event.reason}",
        at=at,
        stream=StreamInfo(event.stream_id, event.session_id, event.reason),
    )


# Any: each row takes its own event type, which a dict keyed by type cannot say.
_ROUTES: dict[type[HookEvent], tuple[str, Callable[[Any, int], Payload | None]]] = {
    SignalingConnectStart: ("on_signaling_connecting", lambda event, _at: SignalingEvent(event.attempt)),
    SignalingConnected: ("on_signaling_connected", _nothing),
    SignalingDisconnected: ("on_signaling_disconnected", _nothing),
    WebRtcConnectStart: ("on_webrtc_connecting", _peer_with_status),
    WebRtcConnected: (
        "on_webrtc_connected",
        lambda event, _at: PeerEvent(event.peer_id, event.relayed, event.status),
    ),
    WebRtcDisconnected: ("on_webrtc_disconnected", _peer_with_status),
    DataStreamDeliveryUncertain: ("on_error", _uncertain),
    WebSocketConnectStart: ("on_websocket_connecting", _peer),
    WebSocketConnected: ("on_websocket_connected", _peer),
    WebSocketDisconnected: ("on_websocket_disconnected", _peer),
    CredentialRenewed: ("on_credential_renewed", _credential),
    CredentialExpiring: ("on_credential_expiring", _credential),
    MailboxBackpressure: (
        "on_mailbox_backpressure",
        lambda event, _at: BackpressureEvent(event.queue_len, event.threshold),
    ),
}
