"""Links to all peers that the signaling server tells of: who dials whom, and again when a link is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynode.backoff import Backoff
from pynode.messages import Description
from pynode.peer import Heartbeat, PeerLink
from pynode.sockets import Sockets

if TYPE_CHECKING:
    from pynode.hooks import Hooks
    from pynode.link import Deliver, Link
    from pynode.signaling import Signaling
    from wasmhost import ActrId

_OFFER_TIMEOUT_S = 10.0
"""How long an offer may go unanswered."""


@dataclass(frozen=True, slots=True)
class _Dialing:
    """The two tasks that keep links to a peer, where it is ours to dial."""

    socket: asyncio.Task[None]
    webrtc: asyncio.Task[None]

    def cancel(self) -> None:
        self.socket.cancel()
        self.webrtc.cancel()


class Mesh:
    """Keeps a WebSocket and a WebRTC link to each peer of the realm.

    Of two peers the one with the lower serial number dials, so that they never dial each other at once. It
    goes on as long as the signaling server says that the peer is there.
    """

    def __init__(self, hooks: Hooks, deliver: Deliver, heartbeat: Heartbeat | None = None) -> None:
        self.sockets = Sockets(hooks, deliver, self.knows)
        self.links: dict[ActrId, PeerLink] = {}
        self._hooks = hooks
        self._deliver = deliver
        self._heartbeat = heartbeat or Heartbeat()
        self._urls: dict[ActrId, str] = {}
        self._dialing: dict[ActrId, _Dialing] = {}
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def peers(self) -> list[ActrId]:
        """The peers that are there, as far as the signaling server knows."""
        return list(self._urls)

    def knows(self, peer: ActrId) -> bool:
        """Tell whether the signaling server told of a peer."""
        return peer in self._urls

    def link(self, peer: ActrId) -> Link | None:
        """Return the best open link to a peer: WebRTC, else WebSocket."""
        links: tuple[Link | None, ...] = (self.links.get(peer), self.sockets.links.get(peer))
        return next((link for link in links if link is not None and link.is_open), None)

    def joined(self, peer: ActrId, url: str, signaling: Signaling) -> None:
        """Hear that a peer is there, perhaps again."""
        moved = self._urls.get(peer) != url
        self._urls[peer] = url
        me = self._hooks.self_id
        if not moved or me is None or me.serial_number > peer.serial_number:
            return
        if peer in self._dialing:
            self._dialing[peer].cancel()
        self._dialing[peer] = _Dialing(
            asyncio.create_task(self._keep_socket(peer, url)),
            asyncio.create_task(self._keep_webrtc(peer, signaling)),
        )

    def left(self, peer: ActrId) -> None:
        """Hear that a peer lost its signaling connection: it is dialled no more. Links may stay."""
        self._urls.pop(peer, None)

    def described(self, peer: ActrId, message: Description, signaling: Signaling) -> None:
        """Take a peer's offer or answer."""
        work = (
            self._take_offer(peer, message.sdp, signaling)
            if message.kind == "offer"
            else self._take_answer(peer, message.sdp)
        )
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def close(self) -> None:
        """End all links, and dial nobody any more."""
        self._urls.clear()
        tasks = [task for dialing in self._dialing.values() for task in (dialing.socket, dialing.webrtc)]
        for task in (*tasks, *self._answering):
            task.cancel()
        for link in tuple(self.links.values()):
            await link.close()
        await asyncio.gather(*tasks, *self._answering, return_exceptions=True)

    async def _keep_socket(self, peer: ActrId, url: str) -> None:
        backoff = Backoff()
        while self.knows(peer):
            if await self.sockets.dial(peer, url):
                backoff.reset()
            await backoff.wait()

    async def _keep_webrtc(self, peer: ActrId, signaling: Signaling) -> None:
        backoff = Backoff()
        while self.knows(peer):
            await signaling.up.wait()
            link = self._new_link(peer)
            signaling.send(Description(str(peer), "offer", await link.offer()))
            try:
                async with asyncio.timeout(_OFFER_TIMEOUT_S):
                    await link.settled.wait()
                backoff.reset()
            except TimeoutError:
                await link.close("the offer was not answered", failed=True)
            await link.ended.wait()
            await backoff.wait()

    async def _take_offer(self, peer: ActrId, offer: str, signaling: Signaling) -> None:
        if (old := self.links.get(peer)) is not None:
            await old.close("the peer makes a new one")
        link = self._new_link(peer)
        signaling.send(Description(str(peer), "answer", await link.answer(offer)))

    async def _take_answer(self, peer: ActrId, answer: str) -> None:
        if (link := self.links.get(peer)) is not None:
            await link.accept(answer)

    def _new_link(self, peer: ActrId) -> PeerLink:
        link = self.links[peer] = PeerLink(peer, self._hooks, self._deliver, self._heartbeat)
        return link
