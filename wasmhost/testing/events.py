"""An event for each of the sixteen hooks: say what your test is about, the rest is that of a lab.

    events.on_webrtc_connected(relayed=True)
    events.on_error(message="no route", at=5)

Each takes, besides its payload's fields, where it happens: ``ctx`` (the node; None before it has an
identity), ``src``, ``seq`` and ``at``. Numbers and times that are not given are the observer's to give:
one event after the other, a second apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from wasmhost.authoring.golden.events import read_json_events, read_recorded_events
from wasmhost.authoring.samples import LAB_AT, LAB_NODE, STEP_NS
from wasmhost.contract.codec import Frame
from wasmhost.contract.encode import encode_event
from wasmhost.contract.records import (
    ActrId,
    ActrType,
    BackpressureEvent,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    PeerEvent,
    PeerStatus,
    Realm,
    RuntimeContext,
    SignalingEvent,
    StreamInfo,
)

if TYPE_CHECKING:
    from wasmhost.contract.records import Payload


@dataclass(frozen=True, slots=True)
class Event:
    """One event to be delivered. ``seq`` and ``at`` are None where the observer is to count them up."""

    hook: str
    payload: Payload | None = None
    ctx: RuntimeContext | None = LAB_NODE
    src: str | None = None
    seq: int | None = None
    at: int | None = None

    def frame(self, number: int = 0) -> Frame:
        """Encode it; ``number`` is its sequence number unless it has one.

        :raises RejectedEvent: a value does not fit the contract.
        """
        seq = number if self.seq is None else self.seq
        at = LAB_AT + seq * STEP_NS if self.at is None else self.at
        data = encode_event(self.hook, seq, at, self.ctx, self.payload, self.src)
        return Frame(self.hook, seq, at, self.src, self.ctx is not None, data)


def read_events(path: str | Path) -> list[Frame]:
    """Read the events of a file, ``….cborseq`` as a node writes it or ``….events.ndjson``.

    :raises UserError: it cannot be read, or something in it is no event.
    """
    path = Path(path)
    return read_json_events(path) if path.suffix == ".ndjson" else read_recorded_events(path)


class Place(TypedDict, total=False):
    """Where and when an event happens; each may be left out."""

    ctx: RuntimeContext | None
    src: str | None
    seq: int | None
    at: int | None


def actor(
    serial_number: int,
    realm: int = 7,
    *,
    manufacturer: str = "lab",
    name: str = "caller",
    version: str = "1.0.0",
) -> ActrId:
    """Make an identity, such as a peer's."""
    return ActrId(Realm(realm), serial_number, ActrType(manufacturer, name, version))


def node(
    serial_number: int = 1, realm: int = 7, *, caller: ActrId | None = None, request_id: str = "lab-1"
) -> RuntimeContext:
    """Make the context of a node, for ``ctx``."""
    return RuntimeContext(actor(serial_number, realm, name="node"), caller, request_id)


PEER: Final = actor(2)
"""Whom the node is connected to, unless an event says otherwise."""


def on_start(**place: Unpack[Place]) -> Event:
    """The node starts."""
    return Event("on_start", **place)


def on_ready(**place: Unpack[Place]) -> Event:
    """The node is ready to serve."""
    return Event("on_ready", **place)


def on_stop(**place: Unpack[Place]) -> Event:
    """The node stops."""
    return Event("on_stop", **place)


def on_error(
    message: str = "connection refused",
    *,
    kind: str = "unavailable",
    category: ErrorCategory = ErrorCategory.TRANSPORT_FAILURE,
    context: str = "sending to caller",
    arose_at: int = LAB_AT,
    stream: StreamInfo | None = None,
    **place: Unpack[Place],
) -> Event:
    """Something went wrong in the node. ``arose_at`` is the payload's own ``at``."""
    payload = ErrorEvent(ErrorSource(kind, message), category, context, arose_at, stream)
    return Event("on_error", payload, **place)


def on_signaling_connecting(attempt: int | None = 1, **place: Unpack[Place]) -> Event:
    """The node dials the signaling server."""
    return Event("on_signaling_connecting", SignalingEvent(attempt), **place)


def on_signaling_connected(**place: Unpack[Place]) -> Event:
    """The signaling connection stands."""
    return Event("on_signaling_connected", **place)


def on_signaling_disconnected(**place: Unpack[Place]) -> Event:
    """The signaling connection is lost."""
    return Event("on_signaling_disconnected", **place)


def on_websocket_connecting(
    peer: ActrId = PEER, *, status: PeerStatus | None = None, **place: Unpack[Place]
) -> Event:
    """A WebSocket connection is being made."""
    return Event("on_websocket_connecting", PeerEvent(peer, None, status), **place)


def on_websocket_connected(
    peer: ActrId = PEER, *, status: PeerStatus | None = None, **place: Unpack[Place]
) -> Event:
    """A WebSocket connection stands."""
    return Event("on_websocket_connected", PeerEvent(peer, None, status), **place)


def on_websocket_disconnected(
    peer: ActrId = PEER, *, status: PeerStatus | None = None, **place: Unpack[Place]
) -> Event:
    """A WebSocket connection is gone."""
    return Event("on_websocket_disconnected", PeerEvent(peer, None, status), **place)


def on_webrtc_connecting(
    peer: ActrId = PEER, *, status: PeerStatus | None = PeerStatus.CONNECTING, **place: Unpack[Place]
) -> Event:
    """A WebRTC connection is being made."""
    return Event("on_webrtc_connecting", PeerEvent(peer, None, status), **place)


def on_webrtc_connected(
    peer: ActrId = PEER,
    *,
    relayed: bool | None = False,
    status: PeerStatus | None = PeerStatus.CONNECTED,
    **place: Unpack[Place],
) -> Event:
    """A WebRTC connection stands; ``relayed`` is None where the node does not say."""
    return Event("on_webrtc_connected", PeerEvent(peer, relayed, status), **place)


def on_webrtc_disconnected(
    peer: ActrId = PEER, *, status: PeerStatus | None = PeerStatus.IDLE, **place: Unpack[Place]
) -> Event:
    """A WebRTC connection is gone or, with status ``recovering``, being rebuilt."""
    return Event("on_webrtc_disconnected", PeerEvent(peer, None, status), **place)


def on_credential_renewed(new_expiry: int = LAB_AT + 3600 * STEP_NS, **place: Unpack[Place]) -> Event:
    """The node has a new credential; ``new_expiry`` in Unix nanoseconds."""
    return Event("on_credential_renewed", CredentialEvent(new_expiry), **place)


def on_credential_expiring(new_expiry: int = LAB_AT + 60 * STEP_NS, **place: Unpack[Place]) -> Event:
    """The node's credential ends soon, at ``new_expiry``."""
    return Event("on_credential_expiring", CredentialEvent(new_expiry), **place)


def on_mailbox_backpressure(queue_len: int = 900, threshold: int = 800, **place: Unpack[Place]) -> Event:
    """More messages wait than the node likes."""
    return Event("on_mailbox_backpressure", BackpressureEvent(queue_len, threshold), **place)
