"""The panic log: panics in from any thread, one row per signature on disk, rows out to read."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wasmhost.database_file import from_signed, reading, to_signed, transaction
from wasmhost.panics.record import Panic, PanicKind, other_signature
from wasmhost.panics.tally import KEEP, MAX_SIGNATURES, Tallies, Tally
from wasmhost.telemetry.spans import PanicSpans
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from wasmhost.database import Database

MAX_MESSAGE = 4096
MAX_FRAMES = 64
MAX_FRAME = 512


@dataclass(frozen=True, slots=True)
class PanicRow:
    """All panics of one signature; the fields are the keys of ``wasmhost panics --json``.

    ``count``, ``first_at`` and ``last_at`` (Unix ns, the host's clock) are over all of them, the
    rest is the newest record's. In the row of an observer's panics beyond its cap on signatures
    (``signature`` begins with "other-") the newest record speaks for unlike ones.
    """

    id: int
    observer: str
    module_sha256: str
    hook: str
    seq: int
    at: int
    kind: PanicKind
    message: str
    backtrace: tuple[str, ...]
    fuel_budget: int
    count: int
    first_at: int
    last_at: int
    signature: str


class PanicLog:
    """Collects panics and has them written behind; without a database it only collects.

    :meth:`record` is safe from any thread, never waits for a disk and never fails.
    """

    def __init__(self, database: Database | None = None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting = Tallies()
        self._spans = PanicSpans()
        self._listener: Callable[[Collection[str]], None] | None = None
        if database is not None:
            database.attach(self)

    def record(self, panic: Panic) -> None:
        """Count ``panic`` and remember it. Its text is bounded and escaped, should it not be yet."""
        fit = _fit_to_keep(panic)
        with self._lock:
            self._waiting.add(fit)
            self._spans.tell(fit)
        if self._database is not None:
            self._database.notify()

    def rows(self) -> list[PanicRow]:
        """Return one row per signature, the most recent first; waits for what is being written.

        Without a database, an ``id`` is only the row's place in the order of first appearance.
        Raises DatabaseError for a database that can't be read.
        """
        if self._database is not None:
            self._database.flush()
            return read_panics(self._database.path)
        with self._lock:
            rows = [_row(number, tally) for number, tally in enumerate(self._waiting, start=1)]
        return sorted(rows, key=lambda row: (row.last_at, row.id), reverse=True)

    def listen(self, listener: Callable[[Collection[str]], None]) -> None:
        """Have ``listener`` called, on the writer thread, with the signatures of what was just written."""
        self._listener = listener

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what waits; the writer thread's side of :class:`~wasmhost.database.Ledger`."""
        with self._lock:
            taken, self._waiting = self._waiting, Tallies()
        if not len(taken):
            return
        try:
            with transaction(connection):
                written = [_write_tally(connection, tally) for tally in taken]
        except sqlite3.Error:
            with self._lock:
                taken.add_later(self._waiting)
                self._waiting = taken
            raise
        if self._listener is not None:
            self._listener(written)


def read_panics(path: Path) -> list[PanicRow]:
    """Return the panic log at ``path``, one row per signature, the most recent first.

    Raises DatabaseError, with one line to show, for a file that can't be read as one.
    """
    with reading(path) as connection:
        if not _has_tables(connection):
            return []
        found = connection.execute(
            "SELECT panic.id, panic.observer, module_sha256, hook, seq, at, kind, message, backtrace,"
            " fuel_budget, count, first_at, last_at, signature"
            " FROM panic JOIN panic_signature USING (signature)"
            " WHERE panic.id IN (SELECT max(id) FROM panic GROUP BY signature)"
            " ORDER BY last_at DESC, panic.id DESC"
        ).fetchall()
    return [_row_read(row) for row in found]


def read_panic(path: Path, panic_id: int) -> Panic | None:
    """Return the full record with the given ``id``, event bytes included, or None if it is gone.

    Only the newest few records of each signature are kept. Raises DatabaseError as read_panics().
    """
    with reading(path) as connection:
        if not _has_tables(connection):
            return None
        found = connection.execute(
            "SELECT observer, module_sha256, hook, src, seq, at, kind, message, backtrace, fuel_budget,"
            " event, lost, wasmtime, happened_at FROM panic WHERE id = ?",
            (panic_id,),
        ).fetchone()
    return None if found is None else _panic_read(found)


def _fit_to_keep(panic: Panic) -> Panic:
    message = escape_untrusted(panic.message, MAX_MESSAGE)
    backtrace = tuple(escape_untrusted(frame, MAX_FRAME) for frame in panic.backtrace[:MAX_FRAMES])
    if message == panic.message and backtrace == panic.backtrace:
        return panic
    return replace(panic, message=message, backtrace=backtrace)


def _write_tally(connection: sqlite3.Connection, tally: Tally) -> str:
    """Write a tally; return the signature it goes by on disk."""
    signature = _signature_on_disk(connection, tally)
    connection.execute(
        "INSERT INTO panic_signature VALUES (?, ?, ?, ?, ?) ON CONFLICT (signature) DO UPDATE SET"
        " count = count + excluded.count,"
        " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)",
        (signature, tally.observer, tally.count, tally.first_at, tally.last_at),
    )
    connection.executemany(
        "INSERT INTO panic VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _records(signature, tally.newest),
    )
    connection.execute(
        "DELETE FROM panic WHERE signature = ?1 AND id NOT IN"
        " (SELECT id FROM panic WHERE signature = ?1 ORDER BY id DESC LIMIT ?2)",
        (signature, KEEP),
    )
    return signature


def _signature_on_disk(connection: sqlite3.Connection, tally: Tally) -> str:
    # The cap holds over all runs that wrote to this file, so the file is bounded too.
    known = connection.execute(
        "SELECT 1 FROM panic_signature WHERE signature = ?", (tally.signature,)
    ).fetchone()
    if known is not None:
        return tally.signature
    (signatures,) = connection.execute(
        "SELECT count(*) FROM panic_signature WHERE observer = ?", (tally.observer,)
    ).fetchone()
    return tally.signature if signatures < MAX_SIGNATURES else other_signature(tally.observer)


def _records(signature: str, panics: Iterable[Panic]) -> list[tuple[str | int | bytes, ...]]:
    return [
        (
            signature,
            panic.observer,
            panic.module_sha256,
            panic.hook,
            panic.src.encode("utf-8", "backslashreplace").decode(),  # SQLite takes no lone surrogates
            to_signed(panic.seq),
            to_signed(panic.at),
            panic.kind.value,
            panic.message,
            json.dumps(panic.backtrace),
            to_signed(panic.fuel_budget),
            panic.event,
            to_signed(panic.lost),
            panic.wasmtime,
            panic.happened_at,
        )
        for panic in panics
    ]


def _row(panic_id: int, tally: Tally) -> PanicRow:
    newest = tally.newest[-1]
    return PanicRow(
        id=panic_id,
        observer=newest.observer,
        module_sha256=newest.module_sha256,
        hook=newest.hook,
        seq=newest.seq,
        at=newest.at,
        kind=newest.kind,
        message=newest.message,
        backtrace=newest.backtrace,
        fuel_budget=newest.fuel_budget,
        count=tally.count,
        first_at=tally.first_at,
        last_at=tally.last_at,
        signature=tally.signature,
    )


def _row_read(found: tuple[Any, ...]) -> PanicRow:
    panic_id, observer, module, hook, seq, at, kind, message, backtrace, budget, *counted = found
    return PanicRow(
        panic_id,
        observer,
        module,
        hook,
        from_signed(seq),
        from_signed(at),
        PanicKind(kind),
        message,
        tuple(json.loads(backtrace)),
        from_signed(budget),
        *counted,
    )


def _panic_read(found: tuple[Any, ...]) -> Panic:
    observer, module, hook, src, seq, at, kind, message, backtrace, budget, event, lost, *rest = found
    return Panic(
        observer,
        module,
        hook,
        src,
        from_signed(seq),
        from_signed(at),
        PanicKind(kind),
        message,
        tuple(json.loads(backtrace)),
        from_signed(budget),
        event,
        from_signed(lost),
        *rest,
    )


def _has_tables(connection: sqlite3.Connection) -> bool:
    # A host that was killed while it made the file leaves an empty one.
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None
