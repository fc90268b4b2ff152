"""The bucket: compare-and-set, several values at once, and what other NATS tools see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats
import pytest

from tests.jetstream.helpers import NAMES, linked
from wasmhost.jetstream.ledger import Conflict, Entry, Ledger, Write

if TYPE_CHECKING:
    from tests.nats_server import NatsServer


async def test_a_value_replaces_the_one_that_was_read(nats_server: NatsServer) -> None:
    """Who knows the latest revision may write; who knows an older one is told."""
    async with linked(nats_server) as link:
        ledger = Ledger(await link.life(), NAMES.stream)
        assert await ledger.get("a") is None
        first = await ledger.put(Write("a", b"1", 0))
        assert await ledger.get("a") == Entry(b"1", first)
        second = await ledger.put(Write("a", b"2", first))
        for last in (0, first):
            with pytest.raises(Conflict):
                await ledger.put(Write("a", b"3", last))
        assert await ledger.get("a") == Entry(b"2", second)


async def test_several_values_or_none(nats_server: NatsServer) -> None:
    """Where one of them is refused, no other is written."""
    async with linked(nats_server) as link:
        ledger = Ledger(await link.life(), NAMES.stream)
        revision = await ledger.put_all([Write("s.1", b"x"), Write("s.2", b"y"), Write("p", b"1", 0)])
        assert await ledger.get("p") == Entry(b"1", revision)
        with pytest.raises(Conflict):
            await ledger.put_all([Write("s.1", b"X"), Write("s.2", b"Y"), Write("p", b"2", 0)])
        found = await ledger.list("s.*")
        assert {key: entry.value for key, entry in found.items()} == {"s.1": b"x", "s.2": b"y"}
        await ledger.put_all([Write("s.1", b"X"), Write("p", b"2", revision)])
        found = await ledger.list(">")
        assert {key: entry.value for key, entry in found.items()} == {"s.1": b"X", "s.2": b"y", "p": b"2"}


async def test_what_is_deleted_is_gone(nats_server: NatsServer) -> None:
    """It is neither read nor listed, may come back, and only who knows its revision can delete it."""
    async with linked(nats_server) as link:
        ledger = Ledger(await link.life(), NAMES.stream)
        revision = await ledger.put(Write("host.a", b"1"))
        with pytest.raises(Conflict):
            await ledger.delete("host.a", revision + 1)
        await ledger.delete("host.a", revision)
        assert await ledger.get("host.a") is None
        assert await ledger.list("host.*") == {}
        await ledger.put(Write("host.a", b"2"))
        assert [entry.value for entry in (await ledger.list("host.*")).values()] == [b"2"]


async def test_it_is_a_bucket_like_others(nats_server: NatsServer) -> None:
    """A client of NATS reads it as a key-value bucket of the stream's name."""
    async with linked(nats_server) as link:
        await Ledger(await link.life(), NAMES.stream).put(Write("a", b"1"))
    client = await nats.connect(nats_server.url)
    bucket = await client.jetstream().key_value(NAMES.stream)
    assert (await bucket.get("a")).value == b"1"
    await client.close()
