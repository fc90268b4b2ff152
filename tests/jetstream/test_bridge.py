"""A recorded trace into a stream: each source under its node's subject, in its order, and once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import cbor2
import nats
import pytest

from tests.cli.helpers import REAL, SYNTHETIC, trace
from tests.jetstream.helpers import NAMES, SETTINGS
from wasmhost.contract.codec import Frame, ingest
from wasmhost.jetstream.address import parse_address
from wasmhost.jetstream.bridge import Published, Router, StreamTarget
from wasmhost.sources import FileSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.nats_server import NatsServer

SELF = {
    "realm": {"realm-id": 7},
    "serial-number": 12,
    "type": {"manufacturer": "a", "name": "b", "version": "1"},
}


def frame(seq: int, *, src: str | None = "s", known: bool = False) -> Frame:
    """An event, of a node that has an identity or none yet."""
    event: dict[str, Any] = {"hook": "on_signaling_connected", "seq": seq, "at": 1, "event": {}}
    if src is not None:
        event["src"] = src
    if known:
        event["ctx"] = {"self-id": SELF, "request-id": "r"}
    return ingest(cbor2.dumps(event, canonical=True))


async def only_events(source: FileSource) -> AsyncIterator[Frame]:
    """The events of a file, in which there is nothing else."""
    async for item in source:
        if isinstance(item, Frame):
            yield item


async def stored(server: NatsServer) -> dict[str, list[dict[str, Any]]]:
    """All events of the stream, by the subjects that they were published to."""
    client = await nats.connect(server.url)
    info = await client.jetstream().stream_info(NAMES.stream)
    found: dict[str, list[dict[str, Any]]] = {}
    for seq in range(1, info.state.last_seq + 1):
        message = await client.jetstream().get_msg(NAMES.stream, seq)
        assert message.subject is not None
        assert message.data is not None
        found.setdefault(message.subject.split(".", 3)[3], []).append(cbor2.loads(message.data))
    await client.close()
    return found


@pytest.mark.parametrize("file", [REAL, SYNTHETIC])
async def test_a_trace_is_bridged_once(nats_server: NatsServer, file: Path) -> None:
    """All its events are there, in their order; bridged again, none is there twice."""
    events = [event for event in trace(file) if "hello" not in event]
    for _ in range(2):
        target = StreamTarget(parse_address(nats_server.url), SETTINGS, "trace", 10)
        async with FileSource(file) as source:
            sent = await target.send(only_events(source))
        assert sent == Published(len(events), len(events), 0)
    found = await stored(nats_server)
    by_source: dict[str, list[int]] = {}
    for each in events:
        by_source.setdefault(each.get("src", "trace"), []).append(each["seq"])
    told: dict[str, list[int]] = {}
    subjects: dict[str, set[str]] = {}
    for subject, there in found.items():
        for each in there:
            told.setdefault(each["src"], []).append(each["seq"])
            subjects.setdefault(each["src"], set()).add(subject)
    assert told == by_source
    assert all(len(each) == 1 for each in subjects.values())


def test_early_events_go_where_their_node_goes() -> None:
    """They wait until it has an identity, and keep their order."""
    router = Router(NAMES, "mine")
    assert router.route(frame(0)) == []
    assert router.route(frame(1)) == []
    messages = router.route(frame(2, known=True))
    assert [message.number for message in messages] == ["e.s.0", "e.s.1", "e.s.2"]
    assert {message.subject for message in messages} == {"wasmhost.events.7.12"}
    assert [message.subject for message in router.route(frame(3))] == ["wasmhost.events.7.12"]
    assert router.rest() == []


def test_a_node_without_an_identity() -> None:
    """It has a subject of its own, of its source's name; and not too many of its events wait for that."""
    router = Router(NAMES, "mine")
    assert [message.subject for seq in range(3) for message in router.route(frame(seq, src="a.b"))] == []
    assert [message.subject for message in router.rest()] == ["wasmhost.events.0.a=2Eb"] * 3
    sent = [len(router.route(frame(seq, src="c"))) for seq in range(70)]
    assert sent == [0] * 63 + [64] + [1] * 6


def test_each_event_names_a_source() -> None:
    """One that came without gets the one that we were told."""
    router = Router(NAMES, "mine")
    assert router.route(frame(0, src=None)) == []
    (message,) = router.rest()
    assert ingest(message.payload).src == "mine"


async def test_a_server_that_goes_away(nats_server: NatsServer) -> None:
    """It is waited for as long as we were told; what it did not confirm counts as dropped."""

    async def frames() -> AsyncIterator[Frame]:
        for seq in range(2000):
            if seq == 1000:
                await asyncio.to_thread(nats_server.stop)
            yield frame(seq, known=True)

    sent = await StreamTarget(parse_address(nats_server.url), SETTINGS, None, 0.5).send(frames())
    assert sent.emitted == sent.delivered + sent.dropped
    assert 512 <= sent.delivered <= 1000


async def test_a_server_that_restarts(nats_server: NatsServer) -> None:
    """Nothing is lost, nothing is there twice, and the order is kept."""

    async def frames() -> AsyncIterator[Frame]:
        for seq in range(3000):
            if seq == 1000:
                await asyncio.to_thread(nats_server.restart)
            yield frame(seq, known=True)

    sent = await StreamTarget(parse_address(nats_server.url), SETTINGS, None, 30).send(frames())
    assert sent == Published(3000, 3000, 0)
    (events,) = (await stored(nats_server)).values()
    assert [each["seq"] for each in events] == list(range(3000))
