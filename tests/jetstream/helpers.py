"""Publishing events, and reading back what hosts made of them: by the project's own parts of a connection."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import nats

from tests.jetstream.counting import event, source_of
from wasmhost.config.jetstream import JetStreamConfig
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.layout import ensure_layout
from wasmhost.jetstream.ledger import Ledger
from wasmhost.jetstream.link import Link
from wasmhost.jetstream.names import Names
from wasmhost.jetstream.publishing import Message, publish_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.nats_server import NatsServer

SETTINGS = JetStreamConfig(lease_s=2.0, partitions=8)
NAMES = Names.of(SETTINGS)


class Told(NamedTuple):
    """A report of the counting guest."""

    src: str
    seq: int
    counted: int
    told_seq: int


@asynccontextmanager
async def linked(server: NatsServer, settings: JetStreamConfig = SETTINGS) -> AsyncIterator[Link]:
    """Connect, and have the streams there."""
    async with Link(parse_address(server.url), settings) as link:
        await ensure_layout(await link.life(), settings)
        yield link


def messages(events: Iterable[tuple[int, int]], again: str = "", hook: str | None = None) -> list[Message]:
    """Messages for events of nodes with numbers; ``again``: the server does not know them again."""
    return [
        Message(NAMES.event("7", str(node)), f"{again}{source_of(node)}:{seq}", event(node, seq, hook))
        for node, seq in events
    ]


async def publish(
    link: Link, events: Iterable[tuple[int, int]], again: str = "", hook: str | None = None
) -> None:
    """Publish events of nodes."""
    await publish_all(link, messages(events, again, hook))


async def found_count(link: Link) -> int:
    """How many reports and panics there are."""
    info = await (await link.life()).ask(f"$JS.API.STREAM.INFO.{NAMES.found}")
    count: int = info["state"]["messages"]
    return count


async def read_all(server: NatsServer, subject: str) -> list[bytes]:
    """Read all messages of the stream of reports and panics, in its order."""
    client = await nats.connect(server.url)
    try:
        subscription = await client.jetstream().subscribe(subject, ordered_consumer=True)
        info = await client.jetstream().consumer_info(NAMES.found, (await subscription.consumer_info()).name)
        left = (info.num_pending or 0) + info.delivered.consumer_seq if info.delivered else 0
        return [(await subscription.next_msg(timeout=10)).data for _ in range(left)]
    finally:
        await client.close()


async def reports(server: NatsServer) -> list[Told]:
    """Read all reports, in the order of the stream."""
    found: list[Told] = []
    for data in await read_all(server, f"{NAMES.prefix}.reports.>"):
        report = json.loads(data)
        found.append(Told(report["src"], report["seq"], *report["body"]))
    return found


async def states(link: Link) -> dict[str, bytes]:
    """Read all states, by their keys."""
    ledger = Ledger(await link.life(), NAMES.stream)
    return {key: entry.value for key, entry in (await ledger.list("s.>")).items()}
