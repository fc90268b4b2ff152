"""The node's connection to its signaling server, made again and again until it stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pynode.backoff import Backoff
from pynode.messages import BadMessageError, Hello, Message, Refused, Welcome, decode, encode, read_id
from wasmhost import ErrorCategory, SignalingConnected, SignalingConnectStart, SignalingDisconnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

    from pynode.hooks import Hooks


class SignalingRefusedError(Exception):
    """The server does not let this node in."""


class Signaling:
    """Keeps one connection to the server, and passes on what it says.

    ``hello`` makes what the server is greeted with; ``heard`` is given each message, a ``Welcome`` first.
    ``up`` is set while the connection stands.
    """

    def __init__(
        self, url: str, hooks: Hooks, hello: Callable[[], Hello], heard: Callable[[Message], None]
    ) -> None:
        self.up = asyncio.Event()
        self._url = url
        self._hooks = hooks
        self._hello = hello
        self._heard = heard
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()

    def send(self, message: Message) -> None:
        """Send a message, if the connection stands: later it would be of no use. Never waits."""
        if self.up.is_set():
            self._outbox.put_nowait(message)

    async def run(self) -> None:
        """Stay connected until cancelled. Raises SignalingRefusedError where the server never let us in."""
        backoff = Backoff()
        while True:
            self._hooks.emit(SignalingConnectStart(backoff.attempt))
            try:
                async with connect(self._url, proxy=None) as connection:
                    await self._greet(connection)
                    backoff.reset()
                    await self._serve(connection)
            except (OSError, InvalidHandshake, ConnectionClosed, BadMessageError) as error:
                self._failed(str(error), backoff)
            except SignalingRefusedError as error:
                if self._hooks.self_id is None:
                    raise
                self._failed(str(error), backoff)
            await backoff.wait()

    def _failed(self, reason: str, backoff: Backoff) -> None:
        self._hooks.error(
            ErrorCategory.SIGNALING_FAILURE,
            ("unavailable", reason),
            f"attempt {backoff.attempt} to reach {self._url}",
        )

    async def _greet(self, connection: ClientConnection) -> None:
        await connection.send(encode(self._hello()))
        answer = decode(await connection.recv())
        if isinstance(answer, Refused):
            raise SignalingRefusedError(answer.reason)
        if not isinstance(answer, Welcome):
            raise BadMessageError("the server did not welcome us")
        self._hooks.identify(read_id(answer.you))
        self._hooks.emit(SignalingConnected())
        self._heard(answer)

    async def _serve(self, connection: ClientConnection) -> None:
        self._outbox = asyncio.Queue()
        sender = asyncio.create_task(self._send_on(connection))
        self.up.set()
        try:
            async for text in connection:
                self._heard(decode(text))
        except ConnectionClosed:
            pass  # lost, which is told next
        finally:
            self.up.clear()
            sender.cancel()
            self._hooks.emit(SignalingDisconnected())

    async def _send_on(self, connection: ClientConnection) -> None:
        try:
            while True:
                await connection.send(encode(await self._outbox.get()))
        except ConnectionClosed:
            return  # whoever reads the connection hears of that, too
