"""A host's delivery without a host: a database, an outbox and its couriers, and reports to send."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import anyio
import cbor2

from wasmhost.config import HostConfig
from wasmhost.config.sink import OutboxConfig
from wasmhost.database import Database
from wasmhost.drain import Drain
from wasmhost.panics.store import PanicLog
from wasmhost.sinks.base import ReportRecord
from wasmhost.sinks.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from wasmhost.config.sink import AnySink
    from wasmhost.sinks.outbox_rows import SinkRow

QUICK = (5.0, 20.0)
"""Waits of a test's sink, in milliseconds."""


def report(seq: int, observer: str = "watch", topic: str = "relayed", body: object = None) -> ReportRecord:
    """Make a report."""
    return ReportRecord(
        observer, "py-1", seq, 1_000 + seq, topic, cbor2.dumps({"n": seq} if body is None else body)
    )


@asynccontextmanager
async def delivery(
    folder: Path,
    *sinks: AnySink,
    outbox: OutboxConfig | None = None,
    drain_s: float = 0.0,
) -> AsyncIterator[Sending]:
    """Open a database in a folder, and deliver from it to sinks."""
    config = HostConfig(db=folder / "x.db", sinks=sinks, drain_s=drain_s, outbox=outbox or OutboxConfig())
    assert config.db is not None
    with Database(config.db) as database:
        panics = PanicLog(database)
        async with Delivery(config, database, Drain(config.drain_s)) as opened:
            panics.listen(opened.outbox.panicked)
            yield Sending(database, panics, opened)


class Sending:
    """A delivery that is open."""

    def __init__(self, database: Database, panics: PanicLog, opened: Delivery) -> None:
        self.database = database
        self.panics = panics
        self.delivery = opened

    def put(self, *reports: ReportRecord) -> None:
        """Give reports to the outbox."""
        for one in reports:
            self.delivery.outbox.put(one)

    async def commit(self) -> None:
        """Wait until all that was put is durable."""
        await anyio.to_thread.run_sync(self.database.flush)

    def status(self, name: str) -> dict[str, Any]:
        """Say how a sink is going."""
        (found,) = (one for one in self.delivery.statuses() if one.name == name)
        return {field: getattr(found, field) for field in found.__slots__}

    async def until(self, name: str, **wanted: object) -> None:
        """Wait until a sink's status has these values."""
        await until(lambda: all(self.status(name)[key] == value for key, value in wanted.items()))


async def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait on the event loop; fail where it takes too long."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        await anyio.sleep(0.005)


def lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of NDJSON; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def seqs(records: Iterable[dict[str, Any]]) -> list[int]:
    """Return the numbers of the events that records are about."""
    return [record["seq"] for record in records]


def sink_row(path: Path, name: str) -> SinkRow:
    """Read what the database knows of a sink."""
    from wasmhost.sinks.outbox_rows import sink_rows

    with closing(sqlite3.connect(path)) as connection:
        return next(row for row in sink_rows(connection) if row.name == name)


def waiting_rows(path: Path) -> int:
    """Count what is in the outbox."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)
