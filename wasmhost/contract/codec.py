"""The codec: strict CBOR in, deterministic CBOR out (RFC 8949), and typed records at both ends.

What comes from outside passes :func:`ingest` once. From there on the mailboxes, the journal and the
sandbox hold the same bytes, so what was recorded is what the guest saw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import cbor2

from wasmhost.contract.encode import encode_event
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.records import (
    ActrId,
    ActrType,
    BackpressureEvent,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    Payload,
    PeerEvent,
    PeerStatus,
    Realm,
    RuntimeContext,
    SignalingEvent,
    StreamInfo,
)
from wasmhost.contract.scan import MAX_EVENT_BYTES, Malformed, Truncated, scan
from wasmhost.contract.schema import RejectedEvent, check_event, check_hello, normalise

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Decoded",
    "Frame",
    "Hello",
    "RejectedEvent",
    "decode_event",
    "decode_hello",
    "encode_event",
    "ingest",
    "ingest_scanned",
    "number_of",
]


class Frame(NamedTuple):
    """One accepted event on its way to the guests.

    ``data`` is the whole hook-event in deterministic encoding; the rest is what the host needs of it
    without decoding it again. ``at`` is in Unix nanoseconds, ``has_ctx`` whether the node had an
    identity. The hook may be one that nobody here knows.
    """

    hook: str
    seq: int
    at: int
    src: str | None
    has_ctx: bool
    data: bytes


class Decoded(NamedTuple):
    """A hook-event as typed records; ``payload`` is None for a hook without one, or an unknown hook."""

    hook: str
    seq: int
    at: int
    src: str | None
    ctx: RuntimeContext | None
    payload: Payload | None


class Hello(NamedTuple):
    """The optional first item of a stream: who speaks, and a secret where the listener wants one.

    ``ack`` is whether the emitter wants answers.
    """

    version: Literal[1]
    src: str
    token: str | None
    ack: bool = False

    def __repr__(self) -> str:
        """Without the token: a repr ends up in logs."""
        token = "None" if self.token is None else "'...'"
        ack = ", ack=True" if self.ack else ""
        return f"Hello(version={self.version}, src={self.src!r}, token={token}{ack})"


def ingest(data: bytes) -> Frame:
    """Validate and normalise one hook-event from outside; the only way in for bytes.

    The frame holds ``data`` itself where it already is in deterministic encoding. Raises
    RejectedEvent, with its ``reason``, for bytes that are not exactly one item within the limits of
    :mod:`wasmhost.contract.scan`, or whose map breaks the schema.
    """
    return _validated(data, *_decode(data))


def ingest_scanned(data: bytes, *, deterministic: bool) -> Frame:
    """Do the same with an item that was scanned by now, and had no problem."""
    return _validated(data, cbor2.loads(data), deterministic)


def _validated(data: bytes, value: object, deterministic: bool) -> Frame:
    if isinstance(value, dict) and normalise(value):
        deterministic = False
    event = check_event(value)
    if not deterministic:
        data = cbor2.dumps(event, canonical=True)
        if len(data) > MAX_EVENT_BYTES:  # the new spelling of a category is a byte longer
            raise RejectedEvent(f"the event takes {len(data)} bytes, over {MAX_EVENT_BYTES}")
    return _frame(event, data)


# Any: what check_event let pass has the types of the schema, which a plain dict cannot say.
def _frame(event: dict[str, Any], data: bytes) -> Frame:
    return Frame(event["hook"], event["seq"], event["at"], event.get("src"), "ctx" in event, data)


def decode_event(data: bytes) -> Decoded:
    """Give an event as typed records, for observers written in Python.

    ``data`` is a frame's, or what :func:`encode_event` made: it is not checked again.
    """
    event: dict[str, Any] = cbor2.loads(data)
    ctx = event.get("ctx")
    hook = HOOK_BY_NAME.get(event["hook"])
    payload = None if hook is None or hook.payload is None else _PAYLOADS[hook.payload](event["event"])
    return Decoded(
        event["hook"],
        event["seq"],
        event["at"],
        event.get("src"),
        None if ctx is None else _context(ctx),
        payload,
    )


def number_of(data: bytes) -> tuple[str | None, int] | None:
    """Read ``src`` and ``seq`` of an item that is no event, where it has both in their right places.

    It is none that we can take, but whoever sent it counted it.
    """
    try:
        value, _deterministic = _decode(data)
    except RejectedEvent:
        return None
    seq = value.get("seq") if isinstance(value, dict) else None
    src = value.get("src") if isinstance(value, dict) else None
    if type(seq) is not int or not 0 <= seq < 1 << 64 or not (src is None or isinstance(src, str)):
        return None
    return src, seq


def decode_hello(data: bytes) -> Hello | None:
    """Read the hello that opens a stream; None where ``data`` is another item, most likely an event.

    Raises RejectedEvent for an item that is meant as a hello and is none, and for one that breaks
    the limits of every item.
    """
    value, _deterministic = _decode(data)
    if not isinstance(value, dict) or "hello" not in value:
        return None
    check_hello(value)
    return Hello(1, value["src"], value.get("token"), value.get("ack", False))


def _decode(data: bytes) -> tuple[object, bool]:
    """Scan one item, then decode it; also whether it was in deterministic encoding."""
    try:
        found = scan(data)
    except (Malformed, Truncated) as error:
        raise RejectedEvent(str(error)) from None
    if found.problem is not None:
        raise RejectedEvent(found.problem)
    if found.end != len(data):
        raise RejectedEvent(f"{len(data) - found.end} more bytes follow the item")
    return cbor2.loads(data), found.deterministic


# From plain maps that passed the schema to records. Any: see _frame.


def _actr_id(value: dict[str, Any]) -> ActrId:
    kind = value["type"]
    return ActrId(
        Realm(value["realm"]["realm-id"]),
        value["serial-number"],
        ActrType(kind["manufacturer"], kind["name"], kind["version"]),
    )


def _context(value: dict[str, Any]) -> RuntimeContext:
    caller = value.get("caller-id")
    return RuntimeContext(
        _actr_id(value["self-id"]), None if caller is None else _actr_id(caller), value["request-id"]
    )


def _peer_event(value: dict[str, Any]) -> PeerEvent:
    status = value.get("status")
    return PeerEvent(
        _actr_id(value["peer"]), value.get("relayed"), None if status is None else PeerStatus(status)
    )


def _error_event(value: dict[str, Any]) -> ErrorEvent:
    source, stream = value["source"], value.get("stream")
    return ErrorEvent(
        ErrorSource(source["kind"], source["message"]),
        ErrorCategory(value["category"]),
        value["context"],
        value["at"],
        None if stream is None else StreamInfo(stream["stream-id"], stream["session-id"], stream["reason"]),
    )


_PAYLOADS: dict[str, Callable[[dict[str, Any]], Payload]] = {
    "signaling-event": lambda value: SignalingEvent(value.get("attempt")),
    "peer-event": _peer_event,
    "error-event": _error_event,
    "credential-event": lambda value: CredentialEvent(value["new-expiry"]),
    "backpressure-event": lambda value: BackpressureEvent(value["queue-len"], value["threshold"]),
}
