"""The link: what a connection cannot do is told from what it could not do now."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.jetstream.helpers import NAMES, linked
from tests.nats_server import NatsServer
from wasmhost.config.jetstream import JetStreamConfig
from wasmhost.errors import SourceError
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.ledger import Entry, Ledger, Write
from wasmhost.jetstream.link import Life, Refused
from wasmhost.jetstream.publishing import Message, publish_all

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_larger_than_the_server_takes_is_refused(tmp_path: Path) -> None:
    """Nobody tries it again and again as if the server were away, without a word about why."""
    with NatsServer(tmp_path, "max_payload: 32768") as server:
        async with linked(server) as link:
            too_large = Message(NAMES.event("7", "a"), "a:1", bytes(40_000))
            with pytest.raises(Refused, match="max_payload"):
                await publish_all(link, [Message(NAMES.event("7", "a"), "a:0", b"x"), too_large])
            ledger = Ledger(await link.life(), NAMES.stream)
            with pytest.raises(Refused, match="max_payload"):
                await ledger.put_all([Write("s.1", bytes(40_000)), Write("p", b"1", 0)])
            assert await ledger.get("p") is None
            revision = await ledger.put(Write("p", b"1", 0))
            assert await ledger.get("p") == Entry(b"1", revision)


@pytest.mark.parametrize("words", [b"INFO 3\r\n", b"x" * 100_000])
async def test_what_is_no_nats_server_is_one_that_cannot_be_connected_to(words: bytes) -> None:
    """Whatever it says: a balancer may answer while the server is away, and must not end our trying."""
    served = asyncio.Semaphore(0)

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        served.release()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        address = parse_address(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(SourceError, match="cannot connect to nats://127"):
            await Life().open(address, JetStreamConfig())
        await served.acquire()
