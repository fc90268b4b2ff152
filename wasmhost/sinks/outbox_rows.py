"""The outbox in SQL: what is done to its tables, and read from them. Whoever calls has a connection.

The interpreter's lock is let go at each step of a statement, and got back only when another thread lets it
go, up to 5 ms later while guests run. So one statement writes many rows: 2,000 of them took 440 ms one by
one beside a busy thread, and 19 ms by 250.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wasmhost.database_file import from_signed, to_signed
from wasmhost.sinks.entry import Entry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

PAGE_ROWS: Final = 1000
PAGE_BYTES: Final = 1024 * 1024
"""Of one reading: so much is in memory for a sink."""
CLEANED_AT_ONCE: Final = 20_000
_AT_ONCE: Final = 250
_COLUMNS: Final = "due, size, what, observer, topic, key, queued_at, src, seq, at, body"
_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SinkRow(NamedTuple):
    """What is known of a sink: how far it came, and its counts over all runs."""

    number: int
    name: str
    kind: str
    dead_letter: str
    done: int
    sent: int
    dead: int
    dropped: int
    invalid: int
    tries_failed: int
    error: str


class Waiting(NamedTuple):
    """What waits for one sink; ``oldest_at`` is Unix time in ns, None where nothing waits."""

    rows: int
    size: int
    oldest_at: int | None


class GivenUp(NamedTuple):
    """An entry that is no more."""

    row: int
    due: int
    size: int


def insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Add entries, in order."""
    for start in range(0, len(entries), _AT_ONCE):
        piece = entries[start : start + _AT_ONCE]
        if len(piece) == _AT_ONCE:  # always the same words, which SQLite needs to understand once only
            _insert(connection, piece)
        else:
            for entry in piece if len(piece) < _AT_ONCE // 10 else ():
                _insert(connection, (entry,))
            if len(piece) >= _AT_ONCE // 10:
                _insert(connection, piece)


def _insert(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = ", ".join([_ROW] * len(entries))
    connection.execute(
        f"INSERT INTO outbox ({_COLUMNS}) VALUES {rows}",  # noqa: S608 - constants of ours
        [value for entry in entries for value in _values(entry)],
    )


def _values(entry: Entry) -> tuple[int | str | bytes, ...]:
    due, what, observer, topic, key, queued_at, src, seq, at, body = entry
    return (
        due, entry.size, what, observer, topic, key, queued_at, src, to_signed(seq), to_signed(at), body,
    )  # fmt: skip


def end(connection: sqlite3.Connection) -> int:
    """Return the highest row that was ever given."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 0 if found is None else int(found[0])


def page(connection: sqlite3.Connection, number: int, above: int) -> tuple[list[tuple[int, Entry]], int]:
    """Return the next entries for a sink, and up to which row there is nothing else for it."""
    last = end(connection)  # first: what comes between this and the next statement is read next time
    bit = 1 << number
    (upto,) = connection.execute(
        "SELECT max(id) FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM outbox"
        " WHERE id > ?1 AND id <= ?2 AND due & ?3 ORDER BY id LIMIT ?4) WHERE before < ?5",
        (above, last, bit, PAGE_ROWS, PAGE_BYTES),
    ).fetchone()
    if upto is None:
        return [], last
    found = connection.execute(
        f"SELECT id, {_COLUMNS} FROM outbox WHERE id > ? AND id <= ? AND due & ? ORDER BY id",  # noqa: S608
        (above, upto, bit),
    ).fetchall()
    return [_entry(row) for row in found], upto


def _entry(row: tuple[Any, ...]) -> tuple[int, Entry]:
    number, due, _, what, observer, topic, key, queued_at, src, seq, at, body = row
    entry = Entry(
        due, what, observer, topic, key, queued_at, src, from_signed(seq), from_signed(at), bytes(body)
    )
    return number, entry


def counted(connection: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    """Return who has how many rows and bytes of all there is."""
    return connection.execute(
        "SELECT what, observer, count(*), sum(size) FROM outbox GROUP BY what, observer"
    ).fetchall()


def clean(
    connection: sqlite3.Connection, above: int, upto: int, absent: int
) -> tuple[int, list[tuple[str, str, int, int]]]:
    """Delete what all present sinks have confirmed, as far as none of the absent ones is to have it.

    Some at a time; returns how far it got, and who had how much of what is gone.
    """
    upto = min(upto, above + CLEANED_AT_ONCE)
    which = "id > ?1 AND id <= ?2 AND NOT due & ?3"
    gone = connection.execute(
        f"SELECT what, observer, count(*), sum(size) FROM outbox WHERE {which} GROUP BY what, observer",  # noqa: S608
        (above, upto, absent),
    ).fetchall()
    if gone:
        connection.execute(f"DELETE FROM outbox WHERE {which}", (above, upto, absent))  # noqa: S608
    return upto, gone


def give_up(
    connection: sqlite3.Connection, what: str, observer: str, rows: int, in_hand: tuple[int, int]
) -> list[GivenUp]:
    """Delete the oldest entries of somebody, but none above and up to ``in_hand``; return them."""
    found = connection.execute(
        "SELECT id, due, size FROM outbox WHERE what = ? AND observer = ? AND NOT (id > ? AND id <= ?)"
        " ORDER BY id LIMIT ?",
        (what, observer, *in_hand, rows),
    ).fetchall()
    if found:
        connection.execute(
            "DELETE FROM outbox WHERE what = ? AND observer = ? AND NOT (id > ? AND id <= ?) AND id <= ?",
            (what, observer, *in_hand, found[-1][0]),
        )
    return [GivenUp(*row) for row in found]


def sink_rows(connection: sqlite3.Connection) -> list[SinkRow]:
    """Return all sinks that were ever sent to, and not forgotten."""
    found = connection.execute(
        "SELECT number, name, kind, dead_letter, done, sent, dead, dropped, invalid, tries_failed, error"
        " FROM sink ORDER BY name"
    ).fetchall()
    return [SinkRow(*row) for row in found]


def waiting(connection: sqlite3.Connection, sink: SinkRow) -> Waiting:
    """Return what waits for a sink."""
    found = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0), min(queued_at) FROM outbox WHERE id > ? AND due & ?",
        (sink.done, 1 << sink.number),
    ).fetchone()
    return Waiting(*found)


def forget(connection: sqlite3.Connection, number: int) -> None:
    """Forget a sink, and what waits for nobody else."""
    connection.execute("DELETE FROM sink WHERE number = ?", (number,))
    connection.execute("UPDATE outbox SET due = due & ~?1 WHERE due & ?1", (1 << number,))
    connection.execute("DELETE FROM outbox WHERE due = 0")
