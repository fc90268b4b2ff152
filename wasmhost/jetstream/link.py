"""The link to a server: one connection after the other, each with a clear end.

nats-py can reconnect by itself, and would then send what still lay in its buffers: the end of something whose
beginning was lost. Events and reports must keep their order, so here a connection's end is the end of all
that was under way in it (`NoAnswer`), and whoever had something under way starts again from what they know to
be done.
"""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wasmhost.backoff import Backoff
from wasmhost.errors import UserError, WasmhostError
from wasmhost.host.mishaps import tell_operator
from wasmhost.jetstream.client import open_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from types import TracebackType
    from typing import Self

    from nats.aio.client import Client

    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.jetstream.address import Address

_ANSWER_S: Final = 5.0
_T = TypeVar("_T")


class NoAnswer(Exception):
    """What was asked may have been done or not: the connection ended, or the server does not answer yet."""


class Refused(WasmhostError):
    """The server answered that it will not. ``number`` is its own for the reason."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


class Life:
    """One connection, until it ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._client: Client | None = None

    async def open(self, address: Address, config: JetStreamConfig) -> None:
        """Connect. Raises as `open_client` does."""
        self._client = await open_client(address, config, self._end)

    @property
    def client(self) -> Client:
        """The connection itself."""
        assert self._client is not None  # noqa: S101 - lives are handed out open
        return self._client

    async def call(self, work: Awaitable[_T]) -> _T:
        """Wait for something that is under way in this connection.

        :raises NoAnswer: it ended, or what is at the other end does not answer.
        :raises Refused: it is larger than the server takes, however often it is tried.
        """
        import nats.errors

        task = asyncio.ensure_future(work)
        end = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise NoAnswer("the connection ended")
            return task.result()
        except nats.errors.MaxPayloadError:
            raise Refused(0, "it is larger than the server's max_payload") from None
        except (OSError, nats.errors.Error) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        finally:
            task.cancel()
            end.cancel()

    async def ask(
        self, subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Ask JetStream, and give its answer.

        :raises Refused: it says no.
        :raises NoAnswer: nobody knows.
        """
        request = self.client.request(
            subject, payload, timeout=_ANSWER_S, headers=None if headers is None else dict(headers)
        )
        return answer_in((await self.call(request)).data)

    async def do(self, work: Awaitable[object]) -> None:
        """Do what is of no use without the connection, and so may fail with it."""
        with suppress(NoAnswer):
            await self.call(work)

    async def close(self) -> None:
        """End it."""
        if self._client is not None and not self.ended.is_set():
            await self._client.close()

    async def _end(self) -> None:
        self.ended.set()


def answer_in(data: bytes) -> dict[str, Any]:
    """Read an answer of JetStream. Raises as `Life.ask` does."""
    answer: dict[str, Any] = json.loads(data)
    error = answer.get("error")
    if error is None:
        return answer
    reason = str(error.get("description", "it does not say why"))
    if error.get("code", 0) >= 500:  # it is starting, or has no leader: there may be another answer soon
        raise NoAnswer(reason)
    raise Refused(error.get("err_code", 0), reason)


class Link:
    """Connects, and connects again. Use as a context manager."""

    def __init__(self, address: Address, config: JetStreamConfig) -> None:
        self._address = address
        self._config = config
        self._life: Life | None = None
        self._alive = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect for the first time.

        :raises UserError: that fails.
        """
        life = Life()
        await life.open(self._address, self._config)
        if not (self._address.is_loopback or self._address.is_tls or self._config.tls_ca):
            tell_operator("warning", "the connection is not encrypted", server=self._address.url)
        self._begin(life)
        self._keeper = asyncio.create_task(self._keep(life), name="wasmhost-nats")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._life is not None:
            await self._life.close()

    async def life(self) -> Life:
        """Give the present connection; wait where there is none."""
        while self._life is None or self._life.ended.is_set():
            self._alive.clear()
            await self._alive.wait()
        return self._life

    def _begin(self, life: Life) -> None:
        self._life = life
        self._alive.set()

    async def _keep(self, life: Life) -> None:
        while True:
            await life.ended.wait()
            tell_operator("warning", "connection lost; connecting again", server=self._address.url)
            life = await self._next()
            tell_operator("info", "connected again", server=self._address.url)
            self._begin(life)

    async def _next(self) -> Life:
        backoff = Backoff(0.05, 5.0, random.Random())  # noqa: S311 - jitter
        while True:
            life = Life()
            try:
                await life.open(self._address, self._config)
            except UserError:
                await asyncio.sleep(backoff.failed())
            else:
                return life
