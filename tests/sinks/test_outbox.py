"""The outbox: what is to be sent is kept until it was, in bounds, over restarts and full disks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.sinks.helpers import delivery, lines, report, seqs, sink_row, waiting_rows
from tests.sinks.test_ndjson import largest_file
from wasmhost.config.sink import NdjsonSinkConfig, OutboxConfig
from wasmhost.database_schema import statements_since
from wasmhost.errors import ConfigError, DatabaseError, SinkError
from wasmhost.sinks import outbox_rows
from wasmhost.sinks.base import ReportRecord
from wasmhost.sinks.delivery import check_standard_output
from wasmhost.sinks.entry import message, report_entry
from wasmhost.sinks.to_file import FileTransport
from wasmhost.sinks.transport import TryLater

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.config.sink import AnySink


def file(folder: Path, name: str = "file", **more: object) -> NdjsonSinkConfig:
    """Configure a sink to a file; tries follow each other fast."""
    return NdjsonSinkConfig(name=name, path=folder / f"{name}.ndjson", backoff_ms=(5, 20), **more)  # type: ignore[arg-type]


def nowhere(folder: Path, name: str = "stuck", **more: object) -> NdjsonSinkConfig:
    """Configure a sink to a device that is always full."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("/dev/full")
    return NdjsonSinkConfig(name=name, path=folder / name, backoff_ms=(5, 20), **more)  # type: ignore[arg-type]


async def test_a_report_is_a_line_with_an_id_and_then_gone(tmp_path: Path) -> None:
    """What is confirmed is deleted, and the line says what the direct way says, and its id."""
    async with delivery(tmp_path, file(tmp_path), drain_s=20) as sending:
        sending.put(*(report(seq) for seq in range(2_500)))
    found = lines(tmp_path / "file.ndjson")
    assert seqs(found) == list(range(2_500))
    assert len({line["id"] for line in found}) == 2_500
    assert found[7] | {"id": "x"} == {
        "id": "x",
        "what": "report",
        "observer": "watch",
        "src": "py-1",
        "seq": 7,
        "at": 1_007,
        "topic": "relayed",
        "body_hex": cbor2.dumps({"n": 7}).hex(),
        "body": {"n": 7},
    }
    assert sink_row(tmp_path / "x.db", "file").sent == 2_500
    async with delivery(tmp_path, file(tmp_path), drain_s=20):
        pass
    assert waiting_rows(tmp_path / "x.db") == 0
    assert len(lines(tmp_path / "file.ndjson")) == 2_500


async def test_each_sink_gets_what_it_is_to_have(tmp_path: Path) -> None:
    """By kind, by observer, by topic; and what nobody wants is not kept."""
    sinks = (
        file(tmp_path, "all"),
        file(tmp_path, "one", observers=frozenset({"a"})),
        file(tmp_path, "topics", topics=("relay*", "x")),
        file(tmp_path, "panics", what=frozenset({"panics"})),
    )
    async with delivery(tmp_path, *sinks, drain_s=20) as sending:
        sending.put(report(0, "a", "relayed"), report(1, "b", "x"), report(2, "b", "y"))
    got = {sink.name: seqs(lines(tmp_path / f"{sink.name}.ndjson")) for sink in sinks}
    assert got == {"all": [0, 1, 2], "one": [0], "topics": [0, 1], "panics": []}
    async with delivery(tmp_path, sinks[1]) as sending:
        sending.put(report(3, "b"))
        await sending.commit()
    assert waiting_rows(tmp_path / "x.db") == 0


async def test_what_waits_goes_on_in_the_next_run(tmp_path: Path) -> None:
    """With the same ids, in order, before what comes then; a sink that works waits for none that does not."""
    async with delivery(tmp_path, nowhere(tmp_path), file(tmp_path)) as sending:
        sending.put(*(report(seq) for seq in range(5)))
        await sending.until("file", sent=5)
        await sending.until("stuck", waiting=5)
    assert waiting_rows(tmp_path / "x.db") == 5
    (tmp_path / "stuck").unlink()
    mended = NdjsonSinkConfig(name="stuck", path=tmp_path / "stuck")
    async with delivery(tmp_path, mended, file(tmp_path), drain_s=20) as sending:
        sending.put(report(5))
    assert lines(tmp_path / "stuck") == lines(tmp_path / "file.ndjson")
    assert seqs(lines(tmp_path / "stuck")) == list(range(6))


async def test_a_new_sink_begins_with_what_is_new(tmp_path: Path) -> None:
    """It is not sent what waits for others then; one that went and came back gets what it was due."""
    async with delivery(tmp_path, nowhere(tmp_path)) as sending:
        sending.put(report(0))
        await sending.commit()
    async with delivery(tmp_path, file(tmp_path), drain_s=20) as sending:
        sending.put(report(1))
    assert seqs(lines(tmp_path / "file.ndjson")) == [1]
    assert waiting_rows(tmp_path / "x.db") == 1
    (tmp_path / "stuck").unlink()
    async with delivery(tmp_path, NdjsonSinkConfig(name="stuck", path=tmp_path / "stuck"), drain_s=20):
        pass
    assert seqs(lines(tmp_path / "stuck")) == [0]


async def test_a_full_outbox_gives_up_the_oldest_of_who_has_most(tmp_path: Path) -> None:
    """It is counted and said once, who says little loses nothing, and what is left comes in order."""
    bounds = OutboxConfig(rows=1_000)
    with capture_logs() as logs:
        async with delivery(tmp_path, nowhere(tmp_path), outbox=bounds) as sending:
            sending.put(*(report(seq, "quiet") for seq in range(10)))
            await sending.commit()
            for start in range(0, 5_000, 500):
                sending.put(*(report(seq, "loud") for seq in range(start, start + 500)))
                await sending.commit()
            dropped = sending.status("stuck")["dropped"]
    assert waiting_rows(tmp_path / "x.db") <= 1_000
    told = [entry for entry in logs if "outbox is full" in entry["event"]]
    assert len(told) == 1
    (tmp_path / "stuck").unlink()
    mended = NdjsonSinkConfig(name="stuck", path=tmp_path / "stuck")
    async with delivery(tmp_path, mended, outbox=bounds, drain_s=20):
        pass
    found = lines(tmp_path / "stuck")
    assert seqs(line for line in found if line["observer"] == "quiet") == list(range(10))
    loud = seqs(line for line in found if line["observer"] == "loud")
    assert loud == sorted(loud)
    assert loud[-1] == 4_999
    assert len(found) + dropped == 5_010
    assert sink_row(tmp_path / "x.db", "stuck").dropped == dropped


async def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    """A few large reports fill it as many small ones do."""
    async with delivery(tmp_path, nowhere(tmp_path), outbox=OutboxConfig(mib=1)) as sending:
        for seq in range(40):
            sending.put(report(seq, body="x" * 60_000))
            await sending.commit()
        status = sending.status("stuck")
    assert status["dropped"] > 0
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        (size,) = connection.execute("SELECT sum(size) FROM outbox").fetchone()
    assert size <= 1024 * 1024 + 20 * 61_000  # what is in hand is not given up


async def test_a_body_that_is_no_cbor_is_counted_and_said_once(tmp_path: Path) -> None:
    """It costs itself only, wherever it stands."""
    with capture_logs() as logs:
        async with delivery(tmp_path, file(tmp_path), drain_s=20) as sending:
            broken = [ReportRecord("watch", "s", seq, 0, "t", b"\xff") for seq in (0, 2, 4)]
            sending.put(broken[0], report(1), broken[1], report(3), broken[2])
            await sending.until("file", sent=2, invalid=3, waiting=0)
    assert seqs(lines(tmp_path / "file.ndjson")) == [1, 3]
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["report dropped"]
    assert sink_row(tmp_path / "x.db", "file").invalid == 3


async def test_a_disk_too_full_for_the_outbox_costs_time_only(tmp_path: Path) -> None:
    """Commits that fail are tried again; nothing was sent of what was not committed, and all of it comes."""
    with capture_logs():
        async with delivery(tmp_path, file(tmp_path), drain_s=20) as sending:
            sending.put(report(0))
            await sending.until("file", sent=1)
            with largest_file(1_000):
                sending.put(*(report(seq, body="x" * 2_000) for seq in range(1, 50)))
                await sending.commit()
                assert sending.database.failed is not None
                assert seqs(lines(tmp_path / "file.ndjson")) == [0]
            await sending.until("file", sent=50)
    assert seqs(lines(tmp_path / "file.ndjson")) == list(range(50))


async def test_a_full_disk_where_a_sink_writes_leaves_no_half_line(tmp_path: Path) -> None:
    """The batch is to be tried again, and comes whole; whole lines of it may be there twice then."""
    found = [message(row, report_entry(report(row), 1, f"k-{row}", 0)) for row in range(6)]
    async with FileTransport(file(tmp_path)) as transport:
        await transport.send(found[:1])
        size = (tmp_path / "file.ndjson").stat().st_size
        with largest_file(3 * size + size // 2), pytest.raises(TryLater, match="file too large"):
            await transport.send(found[1:])
        assert seqs(lines(tmp_path / "file.ndjson")) == [0, 1, 2]
        await transport.send(found[1:])
    assert seqs(lines(tmp_path / "file.ndjson")) == [0, 1, 2, 1, 2, 3, 4, 5]


async def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    """As logs are rotated."""
    async with delivery(tmp_path, file(tmp_path), drain_s=20) as sending:
        sending.put(report(0))
        await sending.until("file", sent=1)
        (tmp_path / "file.ndjson").rename(tmp_path / "old")
        sending.put(report(1))
        await sending.until("file", sent=2)
    assert seqs(lines(tmp_path / "old")) == [0]
    assert seqs(lines(tmp_path / "file.ndjson")) == [1]


async def test_a_line_that_a_killed_host_left_torn_spoils_no_other(tmp_path: Path) -> None:
    """A kill can cut a large write: the torn line is ended, and its record comes again on its own."""
    path = tmp_path / "file.ndjson"
    path.symlink_to("/dev/full")
    async with delivery(tmp_path, file(tmp_path)) as sending:
        sending.put(report(0), report(1))
        await sending.until("file", waiting=2)
    path.unlink()
    path.write_text('{"id":"x-1","what":"rep')
    async with delivery(tmp_path, file(tmp_path), drain_s=20):
        pass
    torn, *whole = path.read_text().splitlines()
    assert torn == '{"id":"x-1","what":"rep'
    assert seqs(json.loads(line) for line in whole) == [0, 1]


async def test_two_hosts_do_not_send_from_one_database(tmp_path: Path) -> None:
    """The second says so in one line."""
    async with delivery(tmp_path, file(tmp_path)):
        with pytest.raises(DatabaseError, match="another host sends what is in"):
            async with delivery(tmp_path, file(tmp_path)):
                pass
    async with delivery(tmp_path, file(tmp_path)):
        pass


async def test_places_that_cannot_be_opened(tmp_path: Path) -> None:
    """One line, before any event; and the next try finds nothing locked."""
    missing = NdjsonSinkConfig(name="a", path=tmp_path / "none" / "x")
    for _ in range(2):
        with pytest.raises(SinkError, match=r"cannot write to .*none/x: no such file"):
            async with delivery(tmp_path, missing):
                pass


def test_standard_output_is_for_one() -> None:
    """Reports go there by default, so a sink that wants it says so."""
    stdout: tuple[AnySink, ...] = (NdjsonSinkConfig(name="a", path=None),)
    check_standard_output(stdout, taken=False)
    with pytest.raises(ConfigError, match="standard output is for one: reports of"):
        check_standard_output(stdout, taken=True)
    with pytest.raises(ConfigError, match="sink a has it, and so has sink b"):
        check_standard_output((*stdout, NdjsonSinkConfig(name="b", path=None)), taken=False)


async def test_more_sinks_than_there_are_bits_for(tmp_path: Path) -> None:
    """Those that are no longer configured keep their places until they are forgotten."""
    for start in range(0, 60, 30):
        async with delivery(tmp_path, *(file(tmp_path, f"s{start + n}") for n in range(30))):
            pass
    with pytest.raises(DatabaseError, match="62 sinks already"):
        async with delivery(tmp_path, *(file(tmp_path, f"t{n}") for n in range(3))):
            pass
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        outbox_rows.forget(connection, 0)
    async with delivery(tmp_path, *(file(tmp_path, f"t{n}") for n in range(3))):
        pass


TEXTS = st.text(max_size=20)
U64 = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(TEXTS, TEXTS, U64, U64, st.binary(max_size=40))
def test_what_went_in_comes_out(topic: str, src: str, seq: int, at: int, raw: bytes) -> None:
    """Whatever a guest or a node writes, the record says it after the database, in printable ASCII."""
    body = cbor2.dumps({"raw": raw, "topic": topic.encode("utf-8", "replace").decode()})
    entry = report_entry(ReportRecord("watch", src, seq, at, topic, body), 1, "r-1", 5)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements_since(0):
            connection.execute(statement)
        outbox_rows.insert(connection, [entry] * 3)
        found, upto = outbox_rows.page(connection, 0, 1)
    assert ([row for row, _ in found], upto) == ([2, 3], 3)
    assert found[0][1] == entry
    data = message(*found[0]).data
    assert set(data) <= set(range(0x20, 0x7F))
    record = json.loads(data)
    assert (record["seq"], record["at"]) == (seq, at)
    assert record["body_hex"] == body.hex()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 300_000)), max_size=40), st.integers(0, 30))
def test_pages_are_all_that_is_due_in_order_and_bounded(coming: list[tuple[int, int]], above: int) -> None:
    """Page by page a sink gets what has its bit, above where it was; a large page has a single row."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements_since(0):
            connection.execute(statement)
        entries = [
            report_entry(ReportRecord("o", "s", seq, 0, "t", bytes(size)), due, f"k{seq}", 0)
            for seq, (due, size) in enumerate(coming, start=1)
        ]
        outbox_rows.insert(connection, entries)
        got: list[int] = []
        at = above
        while True:
            found, upto = outbox_rows.page(connection, 1, at)
            assert upto >= at or not coming or at > len(coming)
            if not found:
                break
            assert len(found) == 1 or sum(entry.size for _, entry in found[:-1]) < outbox_rows.PAGE_BYTES
            got += [row for row, _ in found]
            at = upto
        assert upto == len(coming)
    assert got == [row for row, (due, _) in enumerate(coming, start=1) if due & 2 and row > above]
