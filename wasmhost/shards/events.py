"""Events on their way to a shard: each written once for all observers in it that are to hear it.

This is the hot path of both sides.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.contract.codec import Frame
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Length of the whole record behind this number; hook; flags; how many observers; length of src.
_HEAD: Final = struct.Struct("<IBBHHQQQQ")
_HOOK_INDEX: Final = {hook.name: index for index, hook in enumerate(HOOKS)}
_HOOK_NAMES: Final = tuple(hook.name for hook in HOOKS)
_pack: Final = _HEAD.pack
_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


class Sent(NamedTuple):
    """One event for some observers of a shard, by their places.

    ``awaited``: its result is. ``disguised``: they may not see all of it.
    """

    places: tuple[int, ...]
    frame: Frame
    number: int
    lost: int
    awaited: bool
    disguised: bool


def encode_places(places: tuple[int, ...]) -> bytes:
    """Write down for whom an event is. The same ones are, time and again."""
    return struct.pack(f"<{len(places)}H", *places)


def encode_sent(
    places: bytes, frame: Frame, number: int, lost: int, *, awaited: bool, disguised: bool
) -> bytes:
    """Write an event for a shard; ``places`` of `encode_places`."""
    source = frame.src.encode("utf-8", "surrogatepass") if frame.src else b""
    data = frame.data
    size = len(places) + len(source) + len(data)
    head = _pack(
        size,
        _HOOK_INDEX[frame.hook],
        awaited | disguised << 1,
        len(places) >> 1,
        len(source),
        number,
        frame.at,
        frame.seq,
        lost,
    )
    return b"".join((head, places, source, data))


def decode_sent(body: bytes) -> Iterator[Sent]:
    """Read the events in a frame; from the host, so nothing is checked."""
    place, end = 0, len(body)
    while place < end:
        size, hook, flags, count, source_length, number, at, seq, lost = _HEAD.unpack_from(body, place)
        place += _HEAD.size
        places = struct.unpack_from(f"<{count}H", body, place)
        source_begin = place + 2 * count
        data_begin = source_begin + source_length
        source = body[source_begin:data_begin].decode("utf-8", "surrogatepass") if source_length else ""
        data = body[data_begin : place + size]
        place += size
        frame = _tuple(Frame, (_HOOK_NAMES[hook], seq, at, source, True, data))
        yield _tuple(Sent, (places, frame, number, lost, flags & 1 == 1, flags & 2 == 2))
