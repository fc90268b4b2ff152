"""Frames on the socket between the host and a shard: a length, a kind, a body.

A shard may have been taken over by a guest that broke out of its sandbox, so the host reads it as it reads
any stranger: nothing is as long as it says until it was looked at, and what does not fit is `Garbled`.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UPWARD: Final = 2 * 1024 * 1024
"""Bytes in a frame of a shard: twice what a delivery may leave behind, beside what was waiting then."""
MAX_DOWNWARD: Final = 1024 * 1024 * 1024
"""Bytes in a frame of the host, which may hold a module and what it was compiled to."""

_HEAD: Final = struct.Struct("<IB")


class Garbled(ValueError):
    """What came is no frame, or does not say what its kind says."""


class Kind(IntEnum):
    """What a frame is. Those of the host are below 16, those of a shard are above."""

    SETUP = 1
    LOAD = 2
    EVENTS = 3
    STOP = 4
    PAUSE = 5
    RESUME = 6
    UNLOAD = 7
    LOADED = 16
    REFUSED = 17
    TURN = 18
    LINES = 19
    STOPPED = 20
    PAUSED = 21
    UNLOADED = 22


class Frame(NamedTuple):
    """One frame."""

    kind: Kind
    body: bytes


def encode(kind: Kind, *body: bytes | bytearray) -> bytes:
    """Write a frame; the body in pieces."""
    return b"".join((_HEAD.pack(sum(map(len, body)), kind), *body))


class FrameReader:
    """Cuts frames out of what is received."""

    def __init__(self, limit: int) -> None:
        """``limit``: bytes in a body."""
        self._limit = limit
        self._pending = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[Frame]:
        """Take what was received; give the frames that are whole now.

        :raises Garbled: one is longer than the limit, or of a kind that there is not.
        """
        pending = self._pending
        pending += data
        place = 0
        try:
            while len(pending) - place >= _HEAD.size:
                length, kind = _HEAD.unpack_from(pending, place)
                if length > self._limit:
                    raise Garbled(f"a frame of {length:,} bytes, more than {self._limit:,}")
                if kind not in _KINDS:
                    raise Garbled(f"a frame of unknown kind {kind}")
                end = place + _HEAD.size + length
                if end > len(pending):
                    return
                frame = Frame(_KINDS[kind], bytes(pending[place + _HEAD.size : end]))
                place = end
                yield frame
        finally:
            if place:
                del pending[:place]

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._pending)


_KINDS: Final = {kind.value: kind for kind in Kind}
