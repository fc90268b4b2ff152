"""The records of ``wit/types.wit``: values, immutable, comparable, and usable as keys of a dict.

They are named tuples because those are what Python makes fastest. All times are Unix time in nanoseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Realm(NamedTuple):
    """The administrative domain a node belongs to."""

    realm_id: int


class ActrType(NamedTuple):
    """What kind of actor a node runs: who made it, its name, its version as the maker writes it."""

    manufacturer: str
    name: str
    version: str


class ActrId(NamedTuple):
    """A node's full identity."""

    realm: Realm
    serial_number: int
    type: ActrType


class Context(NamedTuple):
    """Who observed the event; ``caller_id`` is on whose behalf, where there is a caller."""

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


class SignalingEvent(NamedTuple):
    """The payload of on_signaling_connecting: which attempt this is, from 1, where the node says."""

    attempt: int | None = None


class PeerEvent(NamedTuple):
    """The payload of all websocket and webrtc hooks.

    ``relayed`` (whether the connection goes through a relay) is known for on_webrtc_connected only.
    """

    peer: ActrId
    relayed: bool | None = None
    status: PeerStatus | None = None


class ErrorSource(NamedTuple):
    """An error as the node's own code words it; ``kind`` is "unavailable", "internal", and so on."""

    kind: str
    message: str


class StreamInfo(NamedTuple):
    """The data stream an uncertain delivery was about."""

    stream_id: str
    session_id: int
    reason: str


class ErrorEvent(NamedTuple):
    """The payload of on_error; ``stream`` is there for DATA_STREAM_DELIVERY_UNCERTAIN."""

    source: ErrorSource
    category: ErrorCategory
    context: str
    at: int
    stream: StreamInfo | None = None


class CredentialEvent(NamedTuple):
    """The payload of both credential hooks: when the new, or the expiring, credential ends."""

    new_expiry: int


class BackpressureEvent(NamedTuple):
    """The payload of on_mailbox_backpressure: how many messages wait, and how many are pressure."""

    queue_len: int
    threshold: int
