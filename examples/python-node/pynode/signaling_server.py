"""The signaling server: lets nodes in, gives them identities and credentials, carries their descriptions."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from pynode.credentials import CredentialError
from pynode.identity import is_name, make_id
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
    Welcome,
    decode,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.server import ServerConnection

    from pynode.credentials import Issuer


@dataclass(frozen=True, slots=True)
class _Member:
    """A node that is connected now."""

    identity: str
    realm: int
    url: str
    connection: ServerConnection


class SignalingServer:
    """Knows the nodes that are connected to it; those of a realm hear of each other."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._members: dict[str, _Member] = {}
        self._serials: dict[tuple[int, str], int] = {}

    @asynccontextmanager
    async def listen(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve nodes, and give the URL that they connect to; port 0 is any that is free."""
        async with serve(self._serve, host, port) as server:
            bound = next(iter(server.sockets)).getsockname()[1]
            yield f"ws://{host}:{bound}"

    def drop(self, identity: str) -> None:
        """Cut a node's connection off without a word, as a broken network would. For the demo."""
        self._members[identity].connection.transport.abort()

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            member = await self._let_in(connection)
        except (BadMessageError, CredentialError) as error:
            await connection.send(encode(Refused(str(error))))
            return
        except ConnectionClosed:
            return
        try:
            await self._introduce(member)
            async for text in connection:
                await self._answer(member, text)
        except ConnectionClosed:
            pass  # as nodes do that are killed
        except CredentialError as error:
            await _send(member, Refused(str(error)))  # and closed: it may come again, and be given a new one
        finally:
            # Not if the node was faster than its old connection's end, and is here again.
            if self._members.get(member.identity) is member:
                del self._members[member.identity]
                await self._tell_others(member, Left(member.identity))

    async def _let_in(self, connection: ServerConnection) -> _Member:
        hello = decode(await connection.recv())
        if not isinstance(hello, Hello):
            raise BadMessageError("a hello is wanted first")
        if not is_name(hello.name) or not 0 <= hello.realm < 2**32:
            raise BadMessageError("a name of a-z, 0-9 and -, and a realm of 32 bits are wanted")
        serial = self._serials.setdefault((hello.realm, hello.name), len(self._serials) + 1)
        identity = str(make_id(hello.realm, serial, hello.name))
        # Who is here already is let in again only if it can prove to be the same: its old connection is dead.
        if identity in self._members and self._issuer.check(hello.token) != identity:
            raise CredentialError(f"the credential is not that of {identity}")
        member = _Member(identity, hello.realm, hello.url, connection)
        self._members[identity] = member
        return member

    async def _introduce(self, member: _Member) -> None:
        credential = self._issuer.issue(member.identity)
        await member.connection.send(encode(Welcome(member.identity, credential.token, credential.expiry)))
        for other in self._others(member):
            await member.connection.send(encode(Joined(other.identity, other.url)))
        await self._tell_others(member, Joined(member.identity, member.url))

    async def _answer(self, member: _Member, text: str | bytes) -> None:
        try:
            message = decode(text)
            if isinstance(message, Renew):
                await self._renew(member, message.token)
            elif isinstance(message, Description):
                await self._carry(member, message)
            else:
                await member.connection.send(encode(Refused(f"no server is told {type(message).__name__}")))
        except BadMessageError as error:
            await member.connection.send(encode(Refused(str(error))))

    async def _renew(self, member: _Member, token: str) -> None:
        if self._issuer.check(token) != member.identity:
            raise CredentialError("that is somebody else's credential")
        credential = self._issuer.issue(member.identity)
        await member.connection.send(encode(Renewed(credential.token, credential.expiry)))

    async def _carry(self, member: _Member, message: Description) -> None:
        target = self._members.get(message.peer)
        if target is None or target.realm != member.realm:
            raise BadMessageError(f"there is no {message.peer} here")
        await _send(target, Description(member.identity, message.kind, message.sdp))

    async def _tell_others(self, member: _Member, message: Message) -> None:
        for other in self._others(member):
            await _send(other, message)

    def _others(self, member: _Member) -> list[_Member]:
        return [
            other for other in self._members.values() if other is not member and other.realm == member.realm
        ]


async def _send(member: _Member, message: Message) -> None:
    """Send to somebody who may just have gone; its own task sees to that."""
    try:
        await member.connection.send(encode(message))
    except ConnectionClosed:
        return
