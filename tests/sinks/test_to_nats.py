"""A JetStream as a sink: a real server, which stores each record once, comes and goes, and refuses some."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import nats
from hypothesis import given
from hypothesis import strategies as st

from tests.nats_server import nats_server as nats_server
from tests.panics.helpers import panic
from tests.sinks.helpers import QUICK, delivery, lines, report, seqs
from wasmhost.config.sink import NatsSinkConfig
from wasmhost.sinks.entry import Message
from wasmhost.sinks.subjects import subject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nats_server import NatsServer


def sink(server: NatsServer, **more: object) -> NatsSinkConfig:
    """Configure a sink to a server."""
    settings: dict[str, Any] = {"backoff_ms": QUICK, "timeout_s": 5.0, **more}
    return NatsSinkConfig(name="fleet", url=server.url, **settings)


async def add_stream(server: NatsServer, **more: Any) -> None:
    """Make the stream that records go to."""
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name="found", subjects=["wasmhost.>"], **more)
    await client.close()


async def stored(server: NatsServer) -> list[tuple[str, str, dict[str, Any]]]:
    """Read the stream: subject, id and record of each message."""
    client = await nats.connect(server.url)
    stream = client.jetstream()
    count = (await stream.stream_info("found")).state.messages
    found = [await stream.get_msg("found", seq) for seq in range(1, count + 1)]
    await client.close()
    return [
        (one.subject or "", (one.headers or {})["Nats-Msg-Id"], json.loads(one.data or b"")) for one in found
    ]


async def test_each_record_is_a_message(tmp_path: Path, nats_server: NatsServer) -> None:
    """In order, under a subject of its own, with its id."""
    await add_stream(nats_server)
    async with delivery(tmp_path, sink(nats_server), drain_s=20) as sending:
        sending.put(*(report(seq) for seq in range(600)), report(600, topic="a.b *>\x1b"))
        await sending.until("fleet", sent=601)
        sending.panics.record(panic())
    found = await stored(nats_server)
    assert seqs(record for _, _, record in found[:601]) == list(range(601))
    assert all(name == record["id"] for _, name, record in found)
    assert found[0][0] == "wasmhost.report.watch.relayed"
    assert found[600][0] == "wasmhost.report.watch.a_b____"
    assert found[601][0] == "wasmhost.panic.relay-watch.unreachable"


async def test_a_server_that_comes_and_goes(tmp_path: Path, nats_server: NatsServer) -> None:
    """Killed and back again, and without a stream at first: all of it arrives, each record once, in order."""
    async with delivery(tmp_path, sink(nats_server), drain_s=20) as sending:
        sending.put(*(report(seq) for seq in range(50)))
        while "no stream has the subject" not in sending.status("fleet")["error"]:
            await sending.commit()
        await add_stream(nats_server)
        await sending.until("fleet", sent=50)
        nats_server.kill()
        sending.put(*(report(seq) for seq in range(50, 100)))
        while sending.status("fleet")["tries_failed"] < 3:
            await sending.commit()
        nats_server.start()
        await sending.until("fleet", sent=100)
    assert seqs(record for _, _, record in await stored(nats_server)) == list(range(100))


async def test_what_is_sent_twice_is_stored_once(tmp_path: Path, nats_server: NatsServer) -> None:
    """As after a host that was killed before it had noted the confirmation."""
    await add_stream(nats_server)
    stuck = NatsSinkConfig(name="stuck", url="nats://127.0.0.1:9")  # for whom it is kept
    async with delivery(tmp_path, sink(nats_server), stuck) as one:
        one.put(report(0), report(1))
        await one.until("fleet", sent=2)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        connection.execute("UPDATE sink SET done = 0 WHERE name = 'fleet'")
    async with delivery(tmp_path, sink(nats_server), drain_s=20) as sending:
        await sending.until("fleet", sent=2)
    assert seqs(record for _, _, record in await stored(nats_server)) == [0, 1]


async def test_what_is_too_large_is_a_dead_letter(tmp_path: Path, nats_server: NatsServer) -> None:
    """For the stream's own limit; the others of its batch arrive."""
    await add_stream(nats_server, max_msg_size=4_000)
    async with delivery(tmp_path, sink(nats_server), drain_s=20) as sending:
        sending.put(report(0), report(1, body="x" * 5_000), report(2))
        await sending.until("fleet", sent=2, dead=1)
    (letter,) = lines(tmp_path / "x.db-fleet.dead.ndjson")
    assert letter["record"]["seq"] == 1
    assert letter["reason"].startswith("the stream says: ")
    assert sorted(seqs(record for _, _, record in await stored(nats_server))) == [0, 2]


async def test_a_full_stream_is_waited_for(tmp_path: Path, nats_server: NatsServer) -> None:
    """There may be room later."""
    await add_stream(nats_server, max_msgs=1, discard="new")
    async with delivery(tmp_path, sink(nats_server, batch=1), drain_s=20) as sending:
        sending.put(report(0), report(1))
        while not sending.status("fleet")["tries_failed"]:
            await sending.commit()
        assert sending.status("fleet")["error"].startswith("the stream says: ")
        client = await nats.connect(nats_server.url)
        await client.jetstream().purge_stream("found")
        await client.close()
        await sending.until("fleet", sent=2)


@given(st.text(max_size=300), st.sampled_from(["wasmhost.{what}.{observer}.{topic}", "x.{topic}{topic}"]))
def test_no_topic_is_more_than_a_word(topic: str, template: str) -> None:
    """Whatever a guest calls it: no dot, no wildcard, no field of ours comes out of it."""
    made = subject(template, Message(1, "k", "report", "a.b", topic, 0, b""))
    assert made.count(".") == template.count(".")
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
    assert all(made.split("."))
