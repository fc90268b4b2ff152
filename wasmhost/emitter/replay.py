"""Recorded events sent on: to a host, as if a node emitted them now, and to whatever else takes events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import anyio
import cbor2

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from wasmhost.contract.codec import Frame
    from wasmhost.contract.encode import Unnumbered
    from wasmhost.emitter.emitter import Emitter

_SEQ: Final = b"\x63seq"
_TOGETHER: Final = 256
_POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the events that were read: emitted = delivered + dropped."""

    emitted: int
    delivered: int
    dropped: int


class Target(Protocol):
    """Where recorded events can be sent."""

    async def send(self, frames: AsyncIterable[Frame]) -> Sent:
        """Send all there are, in order and not faster than they are taken; give up on who takes none."""
        ...


class HostTarget:
    """A host, over an emitter. Events are numbered anew, as its own; their time, context and payload stay.

    ``wait`` is how many seconds a host may take nothing, before it is given up.
    """

    def __init__(self, emitter: Emitter, wait: float) -> None:
        self._emitter = emitter
        self._wait = wait

    async def send(self, frames: AsyncIterable[Frame]) -> Sent:
        """Send all there are. See :class:`Target`."""
        emitter = self._emitter
        count = 0
        taken = True
        async for frame in frames:
            emitter.emit_encoded(unnumbered(frame.data))
            count += 1
            if count % _TOGETHER == 0:
                taken = await self._down_to(4 * _TOGETHER)
            if not taken:
                break
        if taken:
            await self._down_to(0)
        await emitter.aclose(0)
        counts = emitter.counts
        return Sent(counts.emitted, counts.delivered, counts.dropped)

    async def _down_to(self, most: int) -> bool:
        """Wait until no more than ``most`` are pending; False where none was taken for too long."""
        before = self._emitter.counts
        since = time.monotonic()
        while (counts := self._emitter.counts).pending > most:
            if counts.delivered > before.delivered:
                before, since = counts, time.monotonic()
            elif time.monotonic() - since > self._wait:
                return False
            await anyio.sleep(_POLL_S)
        return True


def unnumbered(data: bytes) -> Unnumbered:
    """Take ``seq`` and ``src`` out of an event in deterministic encoding, whatever else is in it."""
    event: dict[str, object] = cbor2.loads(data)
    kept = [(cbor2.dumps(key), value) for key, value in event.items() if key not in {"seq", "src"}]
    before = b"".join(key + cbor2.dumps(value, canonical=True) for key, value in kept if key < _SEQ)
    behind = b"".join(key + cbor2.dumps(value, canonical=True) for key, value in kept if key > _SEQ)
    return _map_head(len(kept) + 1) + before + _SEQ, behind


def _map_head(size: int) -> bytes:
    if size < 24:
        return bytes([0xA0 + size])
    return b"\xb8" + size.to_bytes(1, "big") if size < 256 else b"\xb9" + size.to_bytes(2, "big")
