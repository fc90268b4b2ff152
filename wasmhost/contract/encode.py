"""From typed records to the deterministic bytes of a hook-event, on the way of every emitted event.

The bytes are put together by hand: the keys of every map are known, and so is their order, so each
key with its head is a constant and an event is a handful of concatenations. That is several times
faster than filling dicts for cbor2, and a property test holds the two equal, byte for byte, with
``cbor2.dumps(..., canonical=True)`` as the judge.

A map's keys are ordered by their encoded bytes (RFC 8949, section 4.2.1): short keys come first,
because a text's length is its first byte. The constants below are in that order.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.records import (
    ActrId,
    BackpressureEvent,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    Payload,
    PeerEvent,
    PeerStatus,
    RuntimeContext,
    SignalingEvent,
    WebRtcConnected,
    WebRtcConnectStart,
    WebRtcDisconnected,
    WebSocketConnected,
    WebSocketConnectStart,
    WebSocketDisconnected,
    route,
)
from wasmhost.contract.scan import MAX_EVENT_BYTES
from wasmhost.contract.schema import RejectedEvent, check_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.records import HookEvent

Unnumbered: TypeAlias = tuple[bytes, bytes]
"""A hook-event but for its ``seq``: what stands in front of the number, and what behind it."""

_U32 = (1 << 32) - 1
_LONGEST_SEQ = 9
_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def encode_event(
    hook: str,
    seq: int,
    at: int,
    ctx: RuntimeContext | None,
    payload: Payload | None,
    src: str | None = None,
) -> bytes:
    """Encode a hook-event, deterministically; what is None is absent from it.

    ``seq`` is contiguous per ``src``, ``at`` in Unix nanoseconds, ``payload`` of the type the hook
    has in the table of hooks (None where it has none). Raises RejectedEvent, which names the place,
    for values that do not fit: a number out of its range, a wrong type, an unknown hook, text that is
    no Unicode, an event over 64 KiB.
    """
    try:
        key, kind, body = _HOOKS[hook]
        if type(payload) is not kind:
            raise TypeError  # joins the other ways to be of a wrong type
        head = _AT[ctx is not None, src is not None] + _uint(at)
        context = b"" if ctx is None else _context(ctx)
        source = b"" if src is None else b"\x63src" + _text(src)
        data = b"".join((head, context, b"\x63seq", _uint(seq), source, key, body(payload)))
    except _MISFITS as error:
        raise _explain(hook, seq, at, ctx, payload, src, error) from None
    if len(data) > MAX_EVENT_BYTES:
        raise RejectedEvent(f"the event takes {len(data)} bytes, over {MAX_EVENT_BYTES}")
    return data


def encode_unnumbered(hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None) -> Unnumbered:
    """Encode a hook-event whose number is not known yet: it gets one by :func:`numbered`, in its turn.

    Raises RejectedEvent as :func:`encode_event` does, for an event that would be too large with any number.
    """
    try:
        key, kind, body = _HOOKS[hook]
        if type(payload) is not kind:
            raise TypeError  # joins the other ways to be of a wrong type
        return _around_number(at, ctx, key + body(payload))
    except _MISFITS as error:
        raise _explain(hook, 0, at, ctx, payload, None, error) from None


def encode_emitted(event: HookEvent, at: int, ctx: RuntimeContext | None) -> Unnumbered:
    """Encode what a node emits: ``route`` and then `encode_unnumbered`, without the record in between.

    Raises what they raise.
    """
    direct = _DIRECT.get(type(event))
    try:
        if direct is not None:
            key, body = direct
            return _around_number(at, ctx, key + body(event))
    except _MISFITS:
        direct = None  # the longer way says what is wrong
    hook, payload = route(event, at)
    return encode_unnumbered(hook, at, ctx, payload)


def _around_number(at: int, ctx: RuntimeContext | None, tail: bytes) -> Unnumbered:
    if ctx is None:
        head = b"\xa4\x62at" + _uint(at) + b"\x63seq"
    else:
        head = b"\xa5\x62at" + _uint(at) + _context(ctx) + b"\x63seq"
    size = len(head) + len(tail) + _LONGEST_SEQ
    if size > MAX_EVENT_BYTES:
        raise RejectedEvent(f"the event takes up to {size} bytes, over {MAX_EVENT_BYTES}")
    return head, tail


def numbered(event: Unnumbered, seq: int) -> bytes:
    """Put its number into an event; the whole is what :func:`encode_event` gives, without a ``src``."""
    return event[0] + _uint(seq) + event[1]


def _explain(
    hook: str, seq: int, at: int, ctx: object, payload: object, src: object, error: Exception
) -> RejectedEvent:
    """Say what of an event cannot be encoded. Slow, and only ever run for an event that cannot."""
    row = _HOOKS.get(hook) if isinstance(hook, str) else None
    if row is None:
        return RejectedEvent(f"hook: no such hook: {hook!r}")
    if type(payload) is not row[1]:
        return RejectedEvent(f"event: {hook} takes {_named(row[1])}, got {_named(type(payload))}")
    if isinstance(error, UnicodeEncodeError):
        return RejectedEvent("a text is not Unicode: it holds half a surrogate pair")
    plain = {"hook": hook, "seq": seq, "at": at, "event": as_map(payload) or {}}
    plain |= {key: as_map(value) for key, value in (("src", src), ("ctx", ctx)) if value is not None}
    try:
        check_event(plain)
    except RejectedEvent as rejected:
        return rejected
    return RejectedEvent(f"a value is of the wrong type: {error}")


def _named(payload: type) -> str:
    return "no payload" if payload is type(None) else payload.__name__


def as_map(value: object) -> object:
    """Turn a record into the plain map it travels as: WIT keys, None left out. The rest stays as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = (
            (field.name.replace("_", "-"), as_map(getattr(value, field.name))) for field in fields(value)
        )
        return {key: item for key, item in pairs if item is not None}
    return value.value if isinstance(value, Enum) else value


# Scalars. Heads for what is short are looked up, not computed.

_SMALL_UINT = tuple(bytes([n]) if n < 24 else bytes([0x18, n]) for n in range(256))
_TEXT_HEAD = tuple(bytes([0x60 + n]) if n < 24 else bytes([0x78, n]) for n in range(256))
_BOOL = {False: b"\xf4", True: b"\xf5"}


def _uint(n: int) -> bytes:
    if n >= 0x1_0000_0000:  # most numbers are times
        return b"\x1b" + n.to_bytes(8, "big")
    if 0 <= n < 256:
        return _SMALL_UINT[n]
    if n < 0x1_0000:
        return b"\x19" + n.to_bytes(2, "big")
    return b"\x1a" + n.to_bytes(4, "big")  # refuses a negative number as well


def _text(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    if size < 256:
        return _TEXT_HEAD[size] + data
    return (
        b"\x79" + size.to_bytes(2, "big") if size < 0x1_0000 else b"\x7a" + size.to_bytes(4, "big")
    ) + data


# Identities. A node speaks of the same few peers all the time, so their bytes are remembered by the
# object's identity. The entry holds the object too: its id cannot pass to another while it is there.

_REMEMBERED_IDS = 4096
_REMEMBERED_BYTES = 512
_actr_ids: dict[int, tuple[ActrId, bytes]] = {}


def _actr_id(actr: ActrId) -> bytes:
    known = _actr_ids.get(id(actr))
    if known is not None and known[0] is actr:
        return known[1]
    data = encode_actr_id(actr)
    if len(data) <= _REMEMBERED_BYTES:
        if len(_actr_ids) >= _REMEMBERED_IDS:
            _actr_ids.clear()  # rare, and cheaper than keeping an order of use
        _actr_ids[id(actr)] = (actr, data)
    return data


def encode_actr_id(actr: ActrId) -> bytes:
    """Encode an identity as it stands in an event; nothing is remembered. Raises what a bad value raises."""
    kind = actr.type
    realm = actr.realm.realm_id
    if realm > _U32:
        raise OverflowError
    return b"".join(
        (
            b"\xa3\x64type\xa3\x64name",
            _text(kind.name),
            b"\x67version",
            _text(kind.version),
            b"\x6cmanufacturer",
            _text(kind.manufacturer),
            b"\x65realm\xa1\x68realm-id",
            _uint(realm),
            b"\x6dserial-number",
            _uint(actr.serial_number),
        )
    )


def _context(ctx: RuntimeContext) -> bytes:
    request = b"\x6arequest-id" + _text(ctx.request_id)
    if ctx.caller_id is None:
        return b"\x63ctx\xa2\x67self-id" + _actr_id(ctx.self_id) + request
    return (
        b"\x63ctx\xa3\x67self-id"
        + _actr_id(ctx.self_id)
        + b"\x69caller-id"
        + _actr_id(ctx.caller_id)
        + request
    )


# Payloads: one function for each record of the table of hooks.

_PEER = (b"\xa1\x64peer", b"\xa2\x64peer", b"\xa3\x64peer")
_STATUS = {status: b"\x66status" + _text(status) for status in PeerStatus}
_RELAYED = {value: b"\x67relayed" + data for value, data in _BOOL.items()}
_CATEGORY = {category: b"\x68category" + _text(category) for category in ErrorCategory}


def _no_payload(_payload: None) -> bytes:
    return b"\xa0"


def _signaling(event: SignalingEvent) -> bytes:
    if event.attempt is None:
        return b"\xa0"
    if event.attempt > _U32:
        raise OverflowError
    return b"\xa1\x67attempt" + _uint(event.attempt)


def _peer(event: PeerEvent) -> bytes:
    return _peer_map(event.peer, event.relayed, event.status)


def _peer_map(actr: ActrId, relayed: bool | None, status: PeerStatus | None) -> bytes:
    peer = _actr_id(actr)
    state = b"" if status is None else _STATUS[status]
    relay = b"" if relayed is None else _RELAYED[relayed]
    return _PEER[(state != b"") + (relay != b"")] + peer + state + relay


def _error(event: ErrorEvent) -> bytes:
    stream = event.stream
    source = event.source
    parts = [
        b"\xa4\x62at" if stream is None else b"\xa5\x62at",
        _uint(event.at),
        b"\x66source\xa2\x64kind",
        _text(source.kind),
        b"\x67message",
        _text(source.message),
    ]
    if stream is not None:
        parts += b"\x66stream\xa3\x66reason", _text(stream.reason)
        parts += b"\x69stream-id", _text(stream.stream_id)
        parts += b"\x6asession-id", _uint(stream.session_id)
    parts += b"\x67context", _text(event.context), _CATEGORY[event.category]
    return b"".join(parts)


def _credential(event: CredentialEvent) -> bytes:
    return b"\xa1\x6anew-expiry" + _uint(event.new_expiry)


def _backpressure(event: BackpressureEvent) -> bytes:
    return b"\xa2\x69queue-len" + _uint(event.queue_len) + b"\x69threshold" + _uint(event.threshold)


# Any: each function takes its own record, which a dict keyed by name cannot say.
_PAYLOADS: dict[str | None, tuple[type, Callable[[Any], bytes]]] = {
    None: (type(None), _no_payload),
    "signaling-event": (SignalingEvent, _signaling),
    "peer-event": (PeerEvent, _peer),
    "error-event": (ErrorEvent, _error),
    "credential-event": (CredentialEvent, _credential),
    "backpressure-event": (BackpressureEvent, _backpressure),
}
_HOOKS = {
    hook.name: (b"\x64hook" + _text(hook.name) + b"\x65event", *_PAYLOADS[hook.payload]) for hook in HOOKS
}

# The head of the outer map with its first key, by (has ctx, has src).
_AT = {
    (False, False): b"\xa4\x62at",
    (True, False): b"\xa5\x62at",
    (False, True): b"\xa5\x62at",
    (True, True): b"\xa6\x62at",
}


# The commonest events of a node: what stands behind the number, straight from the event.


def _peer_status(event: WebRtcConnectStart | WebRtcDisconnected) -> bytes:
    return _peer_map(event.peer_id, None, event.status)


def _peer_relayed(event: WebRtcConnected) -> bytes:
    return _peer_map(event.peer_id, event.relayed, event.status)


def _peer_alone(event: WebSocketConnectStart | WebSocketConnected | WebSocketDisconnected) -> bytes:
    return _peer_map(event.peer_id, None, None)


# Any: as above.
_DIRECT: dict[type[HookEvent], tuple[bytes, Callable[[Any], bytes]]] = {
    WebRtcConnectStart: (_HOOKS["on_webrtc_connecting"][0], _peer_status),
    WebRtcConnected: (_HOOKS["on_webrtc_connected"][0], _peer_relayed),
    WebRtcDisconnected: (_HOOKS["on_webrtc_disconnected"][0], _peer_status),
    WebSocketConnectStart: (_HOOKS["on_websocket_connecting"][0], _peer_alone),
    WebSocketConnected: (_HOOKS["on_websocket_connected"][0], _peer_alone),
    WebSocketDisconnected: (_HOOKS["on_websocket_disconnected"][0], _peer_alone),
}
