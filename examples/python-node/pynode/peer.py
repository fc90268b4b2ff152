"""A WebRTC link to a peer: one connection of aiortc, its channels, and a heartbeat."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from pynode.ice import is_relayed, only_loopback
from pynode.messages import BadMessageError, Message, Ping, Pong, decode, encode
from pynode.story import Story
from pynode.stream import LABEL, OutgoingStream, receive_stream
from wasmhost import PeerStatus

if TYPE_CHECKING:
    from aiortc import RTCDataChannel

    from pynode.hooks import Hooks
    from pynode.link import Deliver
    from wasmhost import ActrId

MESSAGES = "messages"
"""The label of the channel that messages and heartbeats take."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How a silent peer is found out, in seconds.

    ICE has a check of its own for that, but takes half a minute. A ping goes out every ``every_s``; a peer
    not heard of for ``silent_s`` may come back, one not heard of for ``gone_s`` is given up.
    """

    every_s: float = 1.0
    silent_s: float = 3.0
    gone_s: float = 6.0


class PeerLink:
    """One WebRTC connection, from the first offer to its end.

    ``settled`` is set when it stands, or will not; ``ended`` at its end.
    """

    def __init__(self, peer: ActrId, hooks: Hooks, deliver: Deliver, heartbeat: Heartbeat) -> None:
        self.settled = asyncio.Event()
        self.ended = asyncio.Event()
        self._peer = peer
        self._hooks = hooks
        self._deliver = deliver
        self._heartbeat = heartbeat
        self._story = Story(peer, hooks)
        self._channel: RTCDataChannel | None = None
        self._streams: list[OutgoingStream] = []
        self._sessions = 0
        self._beating: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._last_heard = time.monotonic()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # no STUN, no TURN
        self._connection.on("signalingstatechange", self._signaling_changed)
        self._connection.on("connectionstatechange", self._connection_changed)
        self._connection.on("datachannel", self._channel_came)

    @property
    def peer(self) -> ActrId:
        """Who is at the other end."""
        return self._peer

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent now."""
        return self._channel is not None and self._channel.readyState == "open"

    def send(self, message: Message) -> None:
        """Send a message; what is sent on a link that has ended is lost."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(encode(message))

    def stream(self, stream_id: str, data: bytes) -> OutgoingStream:
        """Begin to send a stream on a channel of its own."""
        self._sessions += 1
        channel = self._connection.createDataChannel(f"{LABEL}{stream_id}")
        stream = OutgoingStream(channel, stream_id, self._sessions, data)
        self._streams = [*(old for old in self._streams if not old.is_complete), stream]
        return stream

    # Making the connection.

    async def offer(self) -> str:
        """Make the offer that the peer is to be sent."""
        self._take_messages(self._connection.createDataChannel(MESSAGES))
        return await self._describe()

    async def answer(self, offer: str) -> str:
        """Take a peer's offer, and make the answer to it."""
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        return await self._describe()

    async def accept(self, answer: str) -> None:
        """Take the peer's answer to our offer."""
        if self._connection.signalingState == "have-local-offer":
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self, reason: str = "closed by us", *, failed: bool = False) -> None:
        """End the link; the peer hears of it. ``failed``: it should have come to stand."""
        self._over(reason, failed=failed)
        if self._closing is not None:
            await self._closing

    async def _describe(self) -> str:
        only_loopback(self._connection)
        await self._connection.setLocalDescription()
        return self._connection.localDescription.sdp

    # What the library tells.

    def _signaling_changed(self) -> None:
        if self._connection.signalingState in {"have-local-offer", "have-remote-offer"}:
            self._story.connecting()

    def _connection_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.settled.set()
            self._stands()
            # From here on, not from when the channel opens: the peer may be gone before it does.
            self._last_heard = time.monotonic()
            self._beating = asyncio.create_task(self._beat())
        elif state in {"failed", "closed"}:
            self._over(f"connection {state}")

    def _stands(self) -> None:
        """Tell that the connection stands, unless its candidate pair is gone: then its end comes next."""
        if (relayed := is_relayed(self._connection)) is not None:
            self._story.connected(relayed=relayed)

    def _channel_came(self, channel: RTCDataChannel) -> None:
        if channel.label == MESSAGES:
            self._take_messages(channel)
        else:
            receive_stream(channel)

    def _take_messages(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._heard)
        channel.on("close", lambda: self._over("data channel closed"))

    def _heard(self, text: str | bytes) -> None:
        self._last_heard = time.monotonic()
        if self._story.status is PeerStatus.RECOVERING:
            self._stands()
        try:
            message = decode(text)
        except BadMessageError as error:
            self._over(str(error))
            return
        if isinstance(message, Ping):
            self.send(Pong())
        elif not isinstance(message, Pong):
            self._deliver(self, message)

    # How it ends.

    async def _beat(self) -> None:
        """Ask the peer again and again whether it is there, and give it up after too long a silence."""
        while not self.ended.is_set():
            asked = time.monotonic()
            self.send(Ping())
            await asyncio.sleep(self._heartbeat.every_s)
            now = time.monotonic()
            # A process that was stopped for a while must not take that for the peer's silence.
            own_pause = max(0.0, now - asked - 2 * self._heartbeat.every_s)
            self._last_heard = min(now, self._last_heard + own_pause)
            silence = now - self._last_heard
            if silence > self._heartbeat.gone_s:
                self._over(f"not heard of for {silence:.1f} s")
            elif silence > self._heartbeat.silent_s:
                self._story.silent()

    def _over(self, reason: str, *, failed: bool = True) -> None:
        """Tell of the end, then of each stream that it cut off; once, whoever notices first."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.settled.set()
        if self._beating is not None:
            self._beating.cancel()
        self._story.gone(reason, failed=failed)
        for stream in self._streams:
            if (uncertain := stream.cut_off(reason)) is not None:
                self._hooks.emit(uncertain)
        # In a task: who notices may be a callback of the library, in the middle of something.
        self._closing = asyncio.create_task(self._connection.close())
