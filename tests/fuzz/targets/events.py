"""Events from outside: any bytes, in any pieces, become frames the contract knows, or are named and left.

The first byte says in which pieces the others come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.contract.strategies import TRACE
from tests.fuzz.targets.said import one_line
from wasmhost.contract.codec import RejectedEvent, decode_event, decode_hello, ingest
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.scan import MAX_EVENT_BYTES
from wasmhost.contract.sequence import Item, MalformedStream, Splitter

if TYPE_CHECKING:
    from wasmhost.contract.codec import Frame

_SIZES: Final = (1, 2, 3, 7, 64, 1000, 4096)
_U64: Final = (1 << 64) - 1


def check(data: bytes) -> None:
    """Read a stream."""
    stream = data[1:]
    size = _SIZES[data[0] % len(_SIZES)] if data else 1
    items, error = _split([stream])
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert _split(pieces) == (items, error), "the pieces made a difference"
    offset = 0
    for item in items:
        assert item.offset == offset, "an item is not where the one before ended"
        if item.data is None:
            return  # too large to keep, so nobody here knows where the next begins
        assert stream[offset : offset + len(item.data)] == item.data
        offset += len(item.data)
        check_item(item.data)


def _split(pieces: list[bytes]) -> tuple[list[Item], str | None]:
    splitter = Splitter()
    items: list[Item] = []
    try:
        for piece in pieces:
            items += splitter.push(piece)
        splitter.finish()
    except MalformedStream as error:
        one_line(error)
        return items, str(error)
    return items, None


def check_item(data: bytes) -> None:
    """Read one item as an event, and as a hello."""
    try:
        decode_hello(data)
    except RejectedEvent as error:
        one_line(error)
    try:
        frame = ingest(data)
    except RejectedEvent as error:
        one_line(error)
        return
    _check_frame(frame)


def _check_frame(frame: Frame) -> None:
    assert len(frame.data) <= MAX_EVENT_BYTES
    assert 0 <= frame.seq <= _U64
    assert 0 <= frame.at <= _U64
    assert ingest(frame.data) == frame, "taken in again, it is another"
    decoded = decode_event(frame.data)
    assert (decoded.hook, decoded.seq, decoded.at, decoded.src) == (
        frame.hook,
        frame.seq,
        frame.at,
        frame.src,
    )
    assert (decoded.ctx is not None) == frame.has_ctx
    if frame.hook not in HOOK_BY_NAME:
        assert decoded.payload is None


def corpus() -> list[bytes]:
    """The real trace, whole and cut into pieces; and a hello."""
    trace = TRACE.read_bytes()
    items = Splitter().push(trace)
    hello = bytes.fromhex("a26568656c6c6f016373726361 61".replace(" ", ""))
    some = [b"\3" + (item.data or b"") for item in items[:40]]
    return [*some, b"\5" + trace[:3000], b"\0" + hello]
