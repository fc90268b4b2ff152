"""What a host never lets through: a guest may read it or refuse it, and do nothing else."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cbor2

from tests.conformance.fields import full_event

if TYPE_CHECKING:
    from collections.abc import Iterator


def strange() -> Iterator[tuple[str, bytes]]:
    """Well-formed and not, for ``on_webrtc_connected``."""
    whole = cbor2.dumps(full_event("on_webrtc_connected"), canonical=True)
    serial = b"\x6dserial-number\x02"
    assert whole.count(serial) == 3
    for name, value in {
        "a number in more bytes than it needs": b"\x18\x02",
        "a number in eight bytes that needs one": b"\x1b" + struct.pack(">Q", 2),
        "a tagged number": b"\xc1\x02",
        "a big number": b"\xc2\x41\x02",
        "undefined": b"\xf7",
        "a simple value": b"\xf8\xff",
        "a reserved head": b"\x1c",
        "a break": b"\xff",
    }.items():
        yield name, whole.replace(serial, serial[:-1] + value)
    for name, value in {
        "an indefinite text": b"\x7f\x61a\xff",
        "indefinite bytes": b"\x5f\x41a\xff",
        "an indefinite list": b"\x9f\x01\xff",
        "an indefinite map": b"\xbf\x61a\x01\xff",
        "text that is not UTF-8": b"\x62\xc3\x28",
        "half a surrogate pair": b"\x63\xed\xa0\x80",
        "a list that claims 2^64-1 items": b"\x9b" + b"\xff" * 8,
        "a map that claims 2^64-1 pairs": b"\xbb" + b"\xff" * 8,
        "a text that claims 2^64-1 bytes": b"\x7b" + b"\xff" * 8,
        "a text that claims 2^31 bytes": b"\x7a\x80\x00\x00\x00",
        "bytes that claim 2^32-1 bytes": b"\x5a\xff\xff\xff\xff",
        "a thousand lists in each other": b"\x81" * 1_000 + b"\x00",
        "five thousand lists in each other": b"\x81" * 5_000 + b"\x00",
        "five thousand maps in each other": b"\xa1\x61a" * 5_000 + b"\x00",
        "five thousand tags": b"\xc1" * 5_000 + b"\x00",
    }.items():
        yield f"{name} as an unknown value", _more(whole, b"\x61a", value)
        yield f"{name} as a request's id", whole.replace(b"\x6arequest-id\x64text", b"\x6arequest-id" + value)
    yield "a key that is a number", _more(whole, b"\x01", b"\x00")
    yield "a key that is a list", _more(whole, b"\x80", b"\x00")
    yield "a known key twice", _more(whole, b"\x65event", b"\xa0")
    yield "bytes behind the event", whole + b"\x00"
    yield "the event twice", whole + whole


def _more(event: bytes, key: bytes, value: bytes) -> bytes:
    """The event with one pair more, at its end."""
    assert 0xA0 <= event[0] < 0xB7
    return bytes([event[0] + 1]) + event[1:] + key + value
