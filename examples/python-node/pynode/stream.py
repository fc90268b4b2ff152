"""Data streams: bytes on a channel of their own, whose receiver says how many it has.

What WebRTC took from us it may not have delivered: only the receiver knows. A stream whose connection ends
before the receiver has said that it has all is one of uncertain delivery.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wasmhost import DataStreamDeliveryUncertain

if TYPE_CHECKING:
    from aiortc import RTCDataChannel

CHUNK = 16 * 1024
_BUFFERED = 8 * CHUNK

LABEL = "stream:"


class OutgoingStream:
    """Bytes on their way to a peer. ``session_id`` tells streams of one connection apart."""

    def __init__(self, channel: RTCDataChannel, stream_id: str, session_id: int, data: bytes) -> None:
        self.acknowledged = 0
        self._channel = channel
        self._stream_id = stream_id
        self._session_id = session_id
        self._data = data
        self._sent = 0
        self._ended = asyncio.Event()
        channel.on("open", self._fill)
        channel.on("message", self._told)
        channel.on("close", self._ended.set)
        channel.bufferedAmountLowThreshold = _BUFFERED // 2
        channel.on("bufferedamountlow", self._fill)

    @property
    def is_complete(self) -> bool:
        """Whether the receiver has said that it has all."""
        return self.acknowledged == len(self._data)

    async def wait(self) -> bool:
        """Wait for the end of the stream, and tell whether all arrived."""
        await self._ended.wait()
        return self.is_complete

    def cut_off(self, reason: str) -> DataStreamDeliveryUncertain | None:
        """Hear that the connection is gone; return what to tell of it, or None where all had arrived."""
        self._ended.set()
        if self.is_complete:
            return None
        where = f"{reason}; {self.acknowledged} of {self._sent} bytes sent are acknowledged"
        return DataStreamDeliveryUncertain(self._stream_id, self._session_id, where)

    def _fill(self) -> None:
        while self._sent < len(self._data) and self._channel.bufferedAmount < _BUFFERED:
            chunk = self._data[self._sent : self._sent + CHUNK]
            self._channel.send(chunk)
            self._sent += len(chunk)

    def _told(self, message: str | bytes) -> None:
        self.acknowledged = int(message)
        if self.is_complete:
            self._channel.close()
            self._ended.set()


def receive_stream(channel: RTCDataChannel) -> None:
    """Take a peer's stream, and tell it with each message how many bytes there are by now."""
    received = 0

    def took(message: str | bytes) -> None:
        nonlocal received
        received += len(message)
        if channel.readyState == "open":
            channel.send(str(received))

    channel.on("message", took)
