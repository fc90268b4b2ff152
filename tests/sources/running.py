"""A listening source that is read in the background, and nodes that speak to it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import cbor2

from wasmhost.contract.sequence import Splitter
from wasmhost.sources import SourceItem, open_source

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self

    from wasmhost.config.source import SourceConfig
    from wasmhost.sources.listening import ListeningSource


class Running:
    """A source that is read in the background while its block lasts; ``items`` is what has come."""

    def __init__(self, where: Path | str, settings: SourceConfig | None = None) -> None:
        opened = open_source(f"unix:{where}" if isinstance(where, Path) else where, settings)
        assert not opened.lossless
        self.source: ListeningSource = opened  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        self.items: list[SourceItem] = []
        self.paused = anyio.Event()
        self.paused.set()
        self._more = anyio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.source.__aenter__()
        self._task = asyncio.create_task(self._iterate())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.source.stop()
        self.paused.set()
        assert self._task is not None
        try:
            await asyncio.wait_for(self._task, 20)
        finally:
            await self.source.__aexit__(None, None, None)

    async def _iterate(self) -> None:
        async for item in self.source:
            self.items.append(item)
            self._more.set()
            await self.paused.wait()

    async def until(self, count: int) -> None:
        """Wait until ``count`` items have come."""
        with anyio.fail_after(20):
            while len(self.items) < count:
                self._more = anyio.Event()
                await self._more.wait()

    @property
    def address(self) -> tuple[str, int]:
        """Where a TCP source listens."""
        host, _, port = self.source.name.removeprefix("tcp:").rpartition(":")
        return host.strip("[]"), int(port)


class Node:
    """A connection as a node has it, which reads answers item by item. Each wait is in a thread."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        self.connection = connection
        self._splitter = Splitter()
        self._answers: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    async def send(self, *items: bytes) -> None:
        """Write all of it."""
        await anyio.to_thread.run_sync(self.connection.sendall, b"".join(items))

    async def answer(self) -> dict[str, Any] | None:
        """Return the next answer; None at the end of the connection."""
        while not self._answers:
            try:
                data = await anyio.to_thread.run_sync(self.connection.recv, 4096)
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not data:
                return None
            self._answers += [cbor2.loads(item.data or b"") for item in self._splitter.push(data)]
        return self._answers.pop(0)

    async def acknowledged(self, seq: int) -> None:
        """Wait until all up to ``seq`` is acknowledged, and no more than that."""
        answer = await self.answer()
        while answer is not None and answer.get("ack", -1) < seq:
            assert answer.keys() & {"welcome", "ack"}
            answer = await self.answer()
        assert answer == {"ack": seq}

    async def refused(self) -> str:
        """Wait for the end; returns the word for which it came."""
        answer = last = await self.answer()
        while answer is not None:
            last, answer = answer, await self.answer()
        assert last is not None
        return str(last["error"]).partition(":")[0]

    async def ended(self) -> None:
        """Wait for the end of the connection."""
        while await self.answer() is not None:
            pass


def at(running: Running, context: ssl.SSLContext | None = None, name: str = "localhost") -> Node:
    """Connect to a source as a node does."""
    if running.source.name.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(running.source.name.removeprefix("unix:"))
        return Node(connection)
    plain = socket.create_connection(running.address, timeout=20)
    return Node(plain if context is None else context.wrap_socket(plain, server_hostname=name))
