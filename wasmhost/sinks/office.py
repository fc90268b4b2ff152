"""What is done with sinks from outside of a host: looking, sending dead letters again, forgetting."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.database_file import open_for_writing, reading, shown, transaction
from wasmhost.errors import SinkError
from wasmhost.sinks import dead_letters, outbox_rows
from wasmhost.sinks.delivery import lock
from wasmhost.sinks.entry import Entry, entry_again
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    import sqlite3

    from wasmhost.sinks.outbox_rows import SinkRow, Waiting

_NAME_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class SinkReport:
    """What the database knows of a sink, what waits for it, and how many dead letters it has."""

    sink: SinkRow
    waiting: Waiting
    dead_letters: int


def look(path: Path) -> list[SinkReport]:
    """Say of each sink that a database knows how it is going; also while a host runs.

    Raises DatabaseError for a file that can't be read as one.
    """
    with reading(path) as connection:
        if not _has_sinks(connection):
            return []
        found = [(row, outbox_rows.waiting(connection, row)) for row in outbox_rows.sink_rows(connection)]
    return [SinkReport(row, waiting, _count_lines(Path(row.dead_letter))) for row, waiting in found]


def letters(path: Path, name: str) -> list[object]:
    """Return the dead letters of a sink; raises SinkError for an unknown one, and what can't be read."""
    with reading(path) as connection:
        file = Path(_find(path, connection, name).dead_letter)
    return [letter for _, letter in dead_letters.read(file)] if file.exists() else []


def resend(path: Path, name: str) -> int:
    """Put a sink's dead letters back into the outbox, for it alone and under their ids; return how many.

    A host that runs meanwhile goes on, and sends them. Killed in the middle, it is done once more by the next
    call: letters may be sent twice then, and none is lost.
    """
    with reading(path) as connection:
        file = Path(_find(path, connection, name).dead_letter)
    done = 0
    for _ in range(2):  # what a call that was killed left, and what has come since
        aside = dead_letters.claim(file)
        if aside is None:
            break
        with closing(open_for_writing(path)) as connection:
            due = 1 << _find(path, connection, name).number
            entries = [_entry(aside, line, letter, due) for line, letter in dead_letters.read(aside)]
            with transaction(connection):
                outbox_rows.insert(connection, entries)
            # It is on the disk, whatever happens to the machine now: only then the letters may go.
            connection.execute("PRAGMA wal_checkpoint(FULL)")
        aside.unlink()
        done += len(entries)
    return done


def forget(path: Path, name: str) -> int:
    """Forget a sink, and what waits for it alone; return how much waited. No host may be sending."""
    with reading(path) as connection:
        _find(path, connection, name)
    descriptor = lock(path)
    try:
        with closing(open_for_writing(path)) as connection:
            row = _find(path, connection, name)
            waiting = outbox_rows.waiting(connection, row).rows
            with transaction(connection):
                outbox_rows.forget(connection, row.number)
    finally:
        os.close(descriptor)
    return waiting


def _find(path: Path, connection: sqlite3.Connection, name: str) -> SinkRow:
    rows = outbox_rows.sink_rows(connection) if _has_sinks(connection) else []
    for row in rows:
        if row.name == name:
            return row
    known = f"; it has {', '.join(row.name for row in rows)}" if rows else ", nor any other"
    raise SinkError(f'{shown(path)} has no sink "{escape_untrusted(name, _NAME_LIMIT)}"{known}')


def _has_sinks(connection: sqlite3.Connection) -> bool:
    # A file of an earlier version, which no host has written to since, has no such table.
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sink'").fetchone() is not None


def _entry(file: Path, line: int, letter: object, due: int) -> Entry:
    try:
        return entry_again(letter["record"] if isinstance(letter, dict) else None, due, time.time_ns())
    except (ValueError, OverflowError):
        raise SinkError(f"{shown(file)}:{line}: not a dead letter; mend or remove the line") from None


def _count_lines(file: Path) -> int:
    try:
        with file.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:
        return 0
