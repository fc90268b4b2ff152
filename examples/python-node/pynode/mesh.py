"""Links to all peers that the signaling server tells of: who dials whom, and again when a link is lost."""

from __future__ import annotations

import asyncio
from functools import partial
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


class _Dialing:
    """The two tasks that keep links to a peer at ``url``, where it is ours to dial."""

    def __init__(self, mesh: Mesh, peer: ActrId, url: str, signaling: Signaling) -> None:
        self.url = url
        self._works = (
            partial(mesh.keep_socket, peer, url),
            partial(mesh.keep_webrtc, peer, signaling),
        )
        self.tasks = [asyncio.create_task(work()) for work in self._works]

    def go_on(self) -> None:
        """Start again what ended while the peer was away."""
        self.tasks = [
            asyncio.create_task(work()) if task.done() else task
            for work, task in zip(self._works, self.tasks, strict=True)
        ]

    def cancel(self) -> None:
        """Dial no more."""
        for task in self.tasks:
            task.cancel()


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
        """Hear that a peer is there, perhaps again: if it listens where it did, links that stand are kept."""
        self._urls[peer] = url
        me = self._hooks.self_id
        if me is None or me.serial_number > peer.serial_number:
            return
        dialing = self._dialing.get(peer)
        if dialing is not None and dialing.url == url:
            dialing.go_on()
            return
        if dialing is not None:
            dialing.cancel()
        self._dialing[peer] = _Dialing(self, peer, url, signaling)

    def left(self, peer: ActrId) -> None:
        """Hear that a peer lost its signaling connection: it is dialled no more. Links may stay."""
        self._urls.pop(peer, None)

    def described(self, peer: ActrId, message: Description, signaling: Signaling) -> None:
        """Take a peer's offer or answer."""
        if not self.knows(peer):
            return
        task = asyncio.create_task(self._take(peer, message, signaling))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def close(self) -> None:
        """End all links, and dial nobody any more."""
        self._urls.clear()
        tasks = [*self._answering, *(task for dialing in self._dialing.values() for task in dialing.tasks)]
        for task in tasks:
            task.cancel()
        for link in tuple(self.links.values()):
            await link.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def keep_socket(self, peer: ActrId, url: str) -> None:
        """Make a WebSocket link to a peer, and again when it is lost, as long as the peer is there."""
        backoff = Backoff()
        while self.knows(peer):
            if await self.sockets.dial(peer, url):
                backoff.reset()
            await backoff.wait()

    async def keep_webrtc(self, peer: ActrId, signaling: Signaling) -> None:
        """Make a WebRTC link to a peer, and again when it is lost, as long as the peer is there."""
        backoff = Backoff()
        while self.knows(peer):
            await signaling.up.wait()
            link = await self._new_link(peer)
            signaling.send(Description(str(peer), "offer", await link.offer()))
            try:
                async with asyncio.timeout(_OFFER_TIMEOUT_S):
                    await link.settled.wait()
                backoff.reset()
            except TimeoutError:
                await link.close("the offer was not answered", failed=True)
            await link.ended.wait()
            await backoff.wait()

    async def _take(self, peer: ActrId, message: Description, signaling: Signaling) -> None:
        link = await self._new_link(peer) if message.kind == "offer" else self.links.get(peer)
        if link is None:
            return
        try:
            if message.kind == "offer":
                signaling.send(Description(str(peer), "answer", await link.answer(message.sdp)))
            else:
                await link.accept(message.sdp)
        except Exception as error:  # whatever the library makes of what a peer says
            await link.close(f"the peer's {message.kind} is no good: {error!r}", failed=True)

    async def _new_link(self, peer: ActrId) -> PeerLink:
        """Make a new link; an old one to the same peer ends first, so that its end is told first."""
        if (old := self.links.get(peer)) is not None:
            await old.close("there is a new one")
        link = self.links[peer] = PeerLink(peer, self._hooks, self._deliver, self._heartbeat)
        return link
