"""A web server as small as can be, for scrapers and probes: GET, a few fixed paths, one request a connection.

It runs on the host's event loop, so that an answer also says that the loop turns. Nobody can hold it: there
are few connections at a time, each has seconds to say what it wants and to take the answer, and what it says
is bounded.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType
    from typing import Self

    from wasmhost.config.telemetry import Address

CONNECTIONS: Final = 16
"""At a time; more are told so and closed."""
PATIENCE_S: Final = 10.0
"""For a whole connection, from its beginning to its end."""
HEAD_BYTES: Final = 8 * 1024
"""Of a request, all its headers included."""

_TEXT: Final = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """What a request is answered with."""

    status: HTTPStatus
    content_type: str
    body: bytes

    @classmethod
    def json(cls, status: HTTPStatus, body: Mapping[str, object]) -> Answer:
        """Make one of JSON."""
        return cls(status, "application/json", json.dumps(body).encode() + b"\n")

    @classmethod
    def words(cls, status: HTTPStatus, words: str = "") -> Answer:
        """Make one of plain text: what its status means, by default."""
        return cls(status, _TEXT, (words or status.phrase).encode() + b"\n")


class Request(NamedTuple):
    """What is asked for; headers by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]


class WebServer:
    """Serves pages by their paths, within its ``async with`` block."""

    def __init__(
        self,
        address: Address,
        pages: Mapping[str, Callable[[Request], Awaitable[Answer]]],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._address = address
        self._pages = pages
        self._patience_s = patience_s
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen.

        :raises UserError: it cannot.
        """
        host, port = self._address.host, self._address.port
        try:
            self._server = await asyncio.start_server(
                self._connected, host, port, limit=HEAD_BYTES, backlog=CONNECTIONS
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(f"cannot listen on {self._address} for telemetry: {reason}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, whoever is still there."""
        assert self._server is not None  # noqa: S101 - entered
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        if self._talks:
            await asyncio.wait(self._talks)

    @property
    def address(self) -> Address:
        """Where it listens; with the port that it was given, where any would do."""
        assert self._server is not None  # noqa: S101 - entered
        return self._address._replace(port=self._server.sockets[0].getsockname()[1])

    # Not a coroutine, of which asyncio would make a task that nobody bounds or waits for.
    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talks) >= CONNECTIONS:
            busy = Answer.words(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
            writer.write(_encode(busy, head_only=False))
            writer.close()
            return
        talk = asyncio.create_task(self._talk(reader, writer), name="wasmhost-telemetry")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # What becomes of a connection is its own business: it may break at any moment.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    writer.write(await self._answered(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()  # does nothing where it is closed

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""  # it has gone, or will soon hear that we have
        except asyncio.LimitOverrunError:
            return _encode(Answer.words(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), head_only=False)
        request = parse(head)
        if request is None:
            return _encode(Answer.words(HTTPStatus.BAD_REQUEST), head_only=False)
        return _encode(await self._answer(request), head_only=request.method == "HEAD")

    async def _answer(self, request: Request) -> Answer:
        page = self._pages.get(request.path)
        if page is None:
            paths = ", ".join(self._pages)
            return Answer.words(HTTPStatus.NOT_FOUND, f"there is {paths}")
        if request.method not in {"GET", "HEAD"}:
            return Answer.words(HTTPStatus.METHOD_NOT_ALLOWED)
        return await page(request)


def parse(head: bytes) -> Request | None:
    """Read a request's head; None where it is none of HTTP/1."""
    try:
        first, *lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        return None
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    method, target, _version = words
    named = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _colon, value in named}
    return Request(method, target.partition("?")[0], headers)


def _encode(answer: Answer, *, head_only: bool) -> bytes:
    lines = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii") + (b"" if head_only else answer.body)
