"""A node: its signaling connection, its links to peers, its mailbox, its credential, from start to stop."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynode.credentials import Credential, CredentialKeeper
from pynode.identity import short
from pynode.mailbox import Letter, Mailbox
from pynode.mesh import Mesh
from pynode.messages import (
    BadMessageError,
    Description,
    Hello,
    Joined,
    Left,
    Message,
    Refused,
    Renew,
    Renewed,
    Reply,
    Request,
    Welcome,
    read_id,
)
from pynode.peer import Heartbeat
from pynode.signaling import Signaling
from wasmhost import ErrorCategory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pynode.hooks import Hooks
    from pynode.link import Link
    from wasmhost import ActrId


_LONGEST_ID = 64
"""Of a request. It goes into events, and a peer chooses it."""


class RefusedError(Exception):
    """The peer could not do what it was asked; the message is its own."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Who a node is, and where it finds its signaling server."""

    name: str
    signaling: str
    realm: int = 7
    heartbeat: Heartbeat = Heartbeat()  # noqa: RUF009 - it is frozen
    pressure: int = 4  # letters that wait, from which on the mailbox is under pressure


class Node:
    """One node. ``handler`` is the application: it makes the reply to a peer's request."""

    def __init__(self, config: NodeConfig, hooks: Hooks, handler: Callable[[Letter], Awaitable[str]]) -> None:
        self.mesh = Mesh(hooks, self._delivered, config.heartbeat)
        self._config = config
        self._hooks = hooks
        self._mailbox = Mailbox(hooks, handler, threshold=config.pressure)
        self._signaling = Signaling(config.signaling, hooks, self._hello, self._told)
        self._keeper = CredentialKeeper(hooks, lambda token: self._signaling.send(Renew(token)))
        self._url = ""
        self._started = False
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[str]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Live until told to stop. Raises SignalingRefusedError where the server does not let us in."""
        async with self.mesh.sockets.listen() as self._url:
            signaling = asyncio.create_task(self._signaling.run())
            serving = asyncio.create_task(self._mailbox.serve())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({signaling, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if self._started:
                    self._hooks.stop()
                self._keeper.close()
                await self.mesh.close()
                for task in (signaling, serving, stopping):
                    task.cancel()
                ends = await asyncio.gather(signaling, serving, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    @property
    def is_signaling(self) -> bool:
        """Whether the connection to the signaling server stands."""
        return self._signaling.up.is_set()

    async def ask(self, peer: ActrId, text: str) -> str:
        """Send a peer a request, and wait for its reply. Raises ConnectionError or RefusedError."""
        link = self.mesh.link(peer)
        if link is None:
            raise ConnectionError(f"there is no link to {short(peer)}")
        request_id = f"{self._config.name}-{next(self._numbers)}"
        reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = reply
        link.send(Request(request_id, text))
        try:
            return await reply
        finally:
            del self._asked[request_id]

    # What the signaling server says.

    def _hello(self) -> Hello:
        credential = self._keeper.current
        token = "" if credential is None else credential.token
        return Hello(self._config.realm, self._config.name, self._url, token)

    def _told(self, message: Message) -> None:
        match message:
            case Welcome():
                self._keeper.take(Credential(message.token, message.expiry))
                self._start()
            case Renewed():
                self._keeper.take(Credential(message.token, message.expiry))
            case Joined():
                self.mesh.joined(read_id(message.peer), message.url, self._signaling)
            case Left():
                self.mesh.left(read_id(message.peer))
            case Description():
                self.mesh.described(read_id(message.peer), message, self._signaling)
            case Refused():
                self._hooks.error(
                    ErrorCategory.SIGNALING_FAILURE,
                    ("unavailable", message.reason),
                    "a request to the server",
                )
            case _:
                raise BadMessageError(f"no node is told {type(message).__name__} by its server")

    def _start(self) -> None:
        """Tell of the start, once: it needs the identity that came with the first welcome."""
        if not self._started:
            self._started = True
            self._hooks.start()
            self._hooks.ready()

    # What peers say.

    def _delivered(self, link: Link, message: Message) -> None:
        if isinstance(message, Request) and len(message.id) <= _LONGEST_ID:
            self._mailbox.put(
                Letter(
                    link.peer,
                    message.id,
                    message.text,
                    answer=lambda text: link.send(Reply(message.id, text)),
                    refuse=lambda reason: link.send(Reply(message.id, reason, failed=1)),
                )
            )
        elif isinstance(message, Reply) and (asked := self._asked.get(message.id)) is not None:
            if asked.done():
                return
            if message.failed:
                asked.set_exception(RefusedError(message.text))
            else:
                asked.set_result(message.text)
