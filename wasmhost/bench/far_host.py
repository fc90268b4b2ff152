"""Stands in for a host, in a process of its own: one socket for each way in which a host can be.

``python -m wasmhost.bench.far_host FOLDER`` listens on ``up``, ``slow`` and ``flapping`` in that folder.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cbor2

from wasmhost.contract.sequence import Splitter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Serve = Callable[["Visitor"], Awaitable[None]]

_ACK_S: Final = 0.02
_UP_S: Final = 0.1


class Visitor:
    """One connection, and what its emitter has brought over all of them."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, taken: dict[str, int]
    ) -> None:
        self.reader = reader
        self._writer = writer
        self._taken = taken
        self._splitter = Splitter()
        self._src = ""

    async def greet(self) -> None:
        """Read the hello, and say what we have."""
        while not self._src and (chunk := await self.reader.read(4096)):
            self.take(chunk)
        seq = self._taken.get(self._src)
        self.say({"welcome": 1} if seq is None else {"ack": seq})

    def take(self, chunk: bytes) -> None:
        """Take events, each once."""
        for item in self._splitter.push(chunk):
            value = cbor2.loads(item.data or b"")
            if "hello" in value:
                self._src = value["src"]
            else:
                self._taken[self._src] = max(value["seq"], self._taken.get(self._src, -1))

    def acknowledge(self) -> None:
        """Say how far we are."""
        if self._src in self._taken:
            self.say({"ack": self._taken[self._src]})

    def say(self, answer: dict[str, int]) -> None:
        """Write an answer."""
        self._writer.write(cbor2.dumps(answer))


async def up(visitor: Visitor) -> None:
    """Read all there is, and acknowledge it now and then, as a host does."""
    said_at = time.monotonic()
    while chunk := await visitor.reader.read(65_536):
        visitor.take(chunk)
        left = said_at + _ACK_S - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        visitor.acknowledge()
        said_at = time.monotonic()


async def slow(visitor: Visitor) -> None:
    """Read a little now and then, and acknowledge nothing."""
    while await visitor.reader.read(1024):  # noqa: ASYNC110 - nothing tells us when to go on
        await asyncio.sleep(0.05)


async def flapping(visitor: Visitor) -> None:
    """Go away after a tenth of a second, whatever is on its way."""
    with suppress(TimeoutError):
        await asyncio.wait_for(up(visitor), _UP_S)


async def _serve(
    how: Serve, taken: dict[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    visitor = Visitor(reader, writer, taken)
    with suppress(OSError, asyncio.CancelledError):  # asyncio would print the latter
        await visitor.greet()
        await how(visitor)
    writer.close()


async def _main(folder: Path) -> None:
    for how in (up, slow, flapping):
        serve = partial(_serve, how, dict[str, int]())
        await asyncio.start_unix_server(serve, folder / how.__name__, limit=65_536)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # until whoever started us is gone


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
