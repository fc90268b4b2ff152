"""WebSocket links: those that peers make to us, and those that we make to them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pynode.identity import parse_id, short
from pynode.messages import BadMessageError, Message, decode, encode
from wasmhost import ErrorCategory, WebSocketConnected, WebSocketConnectStart, WebSocketDisconnected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.asyncio.client import ClientConnection
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from pynode.hooks import Hooks
    from pynode.link import Deliver
    from wasmhost import ActrId

IDENTITY_HEADER = "X-Actr-Id"


class SocketLink:
    """One WebSocket connection to a peer, whichever side made it. ``ended`` is set when its end was told."""

    def __init__(self, peer: ActrId, connection: ClientConnection | ServerConnection) -> None:
        self._peer = peer
        self._connection = connection
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._open = True
        self.ended = asyncio.Event()

    @property
    def peer(self) -> ActrId:
        """Who is at the other end."""
        return self._peer

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent now."""
        return self._open

    def send(self, message: Message) -> None:
        """Send a message; what is sent on a link that has ended is lost."""
        self._outbox.put_nowait(message)

    def drop(self) -> None:
        """Cut it off without a word, as a broken network would."""
        self._connection.transport.abort()

    async def serve(self, deliver: Deliver) -> None:
        """Deliver the peer's messages until the connection ends."""
        sender = asyncio.create_task(self._send_on())
        try:
            async for text in self._connection:
                deliver(self, decode(text))
        except (ConnectionClosed, BadMessageError):
            pass  # the link has ended, and its owner tells of that
        finally:
            self._open = False
            sender.cancel()

    async def _send_on(self) -> None:
        try:
            while True:
                await self._connection.send(encode(await self._outbox.get()))
        except ConnectionClosed:
            return  # whoever reads the connection hears of that, too


class Sockets:
    """Makes and takes WebSocket links; there is at most one to each peer.

    Only peers that the signaling server told us of (``knows``) may connect. A peer says who it is in a
    header, and is believed: with more at stake it would have to show its credential.
    """

    def __init__(self, hooks: Hooks, deliver: Deliver, knows: Callable[[ActrId], bool]) -> None:
        self.links: dict[ActrId, SocketLink] = {}
        self._hooks = hooks
        self._deliver = deliver
        self._knows = knows

    @asynccontextmanager
    async def listen(self, host: str = "127.0.0.1") -> AsyncIterator[str]:
        """Take links of peers, and give the URL to reach us at."""
        async with serve(self._accept, host, 0, process_request=self._asked) as server:
            yield f"ws://{host}:{next(iter(server.sockets)).getsockname()[1]}"

    async def dial(self, peer: ActrId, url: str) -> bool:
        """Make a link to a peer and serve it until it ends. Tells whether it stood at all."""
        self._hooks.emit(WebSocketConnectStart(peer))
        headers = {IDENTITY_HEADER: str(self._hooks.self_id)}
        try:
            async with connect(url, additional_headers=headers, proxy=None) as connection:
                await self._serve(peer, connection)
        except (OSError, InvalidHandshake) as error:
            self._hooks.error(
                ErrorCategory.TRANSPORT_FAILURE,
                ("unavailable", str(error)),
                f"WebSocket link to {short(peer)}",
            )
            return False
        return True

    async def _asked(self, connection: ServerConnection, request: Request) -> Response | None:
        """Look who wants to connect, before the handshake is answered."""
        try:
            peer = parse_id(request.headers.get(IDENTITY_HEADER, ""))
        except ValueError as error:
            return connection.respond(HTTPStatus.BAD_REQUEST, f"{error}\n")
        if not self._knows(peer):
            return connection.respond(HTTPStatus.FORBIDDEN, "the signaling server did not tell of you\n")
        if (old := self.links.get(peer)) is not None:  # which the peer has given up, as it comes again
            old.drop()
            await old.ended.wait()
        self._hooks.emit(WebSocketConnectStart(peer))
        return None

    async def _accept(self, connection: ServerConnection) -> None:
        request = connection.request
        if request is not None:
            await self._serve(parse_id(request.headers[IDENTITY_HEADER]), connection)

    async def _serve(self, peer: ActrId, connection: ClientConnection | ServerConnection) -> None:
        link = self.links[peer] = SocketLink(peer, connection)
        self._hooks.emit(WebSocketConnected(peer))
        try:
            await link.serve(self._deliver)
        finally:
            if self.links.get(peer) is link:
                del self.links[peer]
            self._hooks.emit(WebSocketDisconnected(peer))
            link.ended.set()
