"""How events are read: a reader for each record, and for the frame that a hook's payload travels in."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from wasmhost_observer import records
from wasmhost_observer.reading import (
    FAULTS,
    Malformed,
    boolean,
    case,
    entries,
    record,
    remembered,
    text,
    uint,
    uint32,
)
from wasmhost_observer.writing import encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from wasmhost_observer.reading import Reader

    Frame: TypeAlias = tuple[records.Context | None, Any, str | None]

# An event's observer and its peer are mostly those of a moment ago.
_actr_id: Final = remembered(
    record(
        records.ActrId,
        {
            "realm": record(records.Realm, {"realm_id": uint32}),
            "serial_number": uint,
            "type": record(records.ActrType, {"manufacturer": text, "name": text, "version": text}),
        },
    ),
    most=8,
)
_context: Final = record(records.Context, {"self_id": _actr_id, "caller_id": _actr_id, "request_id": text})

_PAYLOADS: Final[dict[type, Reader[Any]]] = {
    records.SignalingEvent: record(records.SignalingEvent, {"attempt": uint32}),
    records.PeerEvent: record(
        records.PeerEvent,
        {"peer": _actr_id, "relayed": boolean, "status": case(records.PeerStatus)},
    ),
    records.ErrorEvent: record(
        records.ErrorEvent,
        {
            "source": record(records.ErrorSource, {"kind": text, "message": text}),
            "category": case(records.ErrorCategory),
            "context": text,
            "at": uint,
            "stream": record(records.StreamInfo, {"stream_id": text, "session_id": uint, "reason": text}),
        },
    ),
    records.CredentialEvent: record(records.CredentialEvent, {"new_expiry": uint}),
    records.BackpressureEvent: record(records.BackpressureEvent, {"queue_len": uint, "threshold": uint}),
}


_WARM: Final = 100
_FRAME: Final = ("at", "seq", "event", "ctx", "src", "hook")
_OPTIONAL: Final = frozenset({"ctx", "src", "hook"})

# The payload of a hook without one: a map that is not looked into.
_no_payload: Final = entries((), frozenset(), {})


def frame_reader(payload: type | None) -> Callable[[bytes], Frame]:
    """Make the function that decodes the events of hooks with this payload.

    It raises `Malformed` where the bytes are not what the contract says.
    """
    read_event = _no_payload if payload is None else _PAYLOADS[payload]
    readers = {"at": uint, "seq": uint, "event": read_event, "ctx": _context, "src": text, "hook": text}
    read = entries(_FRAME, _OPTIONAL, readers)

    def decode(data: bytes) -> Frame:
        stream = BytesIO(data)
        try:
            _, _, event, ctx, src, _ = read(stream)
        except FAULTS:
            raise Malformed from None
        if stream.read(1):
            raise Malformed
        return ctx, event, src

    return decode


def warm_up() -> None:
    """Decode an event some times: Python makes code that has run a while faster, and a component keeps that.

    Its names are too long to be remembered.
    """
    kind = records.ActrType("m" * 300, "n", "v")
    node = records.ActrId(records.Realm(1 << 31), 1 << 63, kind)
    event = records.PeerEvent(node, relayed=True, status=records.PeerStatus.CONNECTED)
    data = encode({"at": 1 << 63, "seq": 0, "ctx": records.Context(node), "event": event})
    decode = frame_reader(records.PeerEvent)
    for _ in range(_WARM):
        decode(data)
