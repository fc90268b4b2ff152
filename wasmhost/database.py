"""The one SQLite file of a host, and the one thread that writes to it.

Whatever is kept (panics, observers' state) is collected in memory by a :class:`Ledger` and written
behind: nothing on the path of an event ever waits for a disk. A ledger is bounded, so a disk that
is full or a file that is locked costs detail, never memory and never an event.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

import structlog

from wasmhost.database_file import explain, open_for_writing, read_key, shown
from wasmhost.errors import InternalError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

FLUSH_EVERY_S = 0.1
RETRY_EVERY_S = 1.0


class Ledger(Protocol):
    """Something that collects in memory what the writer thread then writes."""

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what has been collected, in a :func:`~wasmhost.database_file.transaction` of its own.

        Called on the writer thread only. Where it raises :exc:`sqlite3.Error` it must have taken
        everything back, to be written by a later call.
        """


class Database:
    """An open database and its writer thread. Use as a context manager, or call :meth:`close`.

    ``key`` is the key of the host's pseudonyms. Raises DatabaseError from the constructor for a file that
    can't be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_for_writing(path)
        self.key = read_key(path)
        self._ledgers: tuple[Ledger, ...] = ()
        self._failed: str | None = None
        self._crash: Exception | None = None
        self._ended = False
        self._dirty = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._waiters: list[threading.Event] = []
        # A daemon, so that a program that dies without closing us is not held open.
        self._writer = threading.Thread(target=self._run, name="wasmhost-database", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def failed(self) -> str | None:
        """Why what has been collected could not be written yet, in one line; None if all is well."""
        return self._failed

    def attach(self, ledger: Ledger) -> None:
        """Have ``ledger`` written from now on."""
        with self._lock:
            self._ledgers = (*self._ledgers, ledger)

    def notify(self) -> None:
        """Say that a ledger has something to write: it will be, within 100 ms. Never blocks."""
        if not self._dirty.is_set():
            self._dirty.set()

    def flush(self) -> None:
        """Wait until everything collected so far was written, or could not be (see ``failed``)."""
        written = threading.Event()
        with self._lock:
            if self._ended:
                return
            self._waiters.append(written)
        self._hurry.set()
        self._dirty.set()
        written.wait()

    def close(self) -> None:
        """Write what is left, fold the write-ahead log into the file and close it. Idempotent.

        What could not be written is told by ``failed``. Raises InternalError if the writer died.
        """
        self._closing.set()
        self._hurry.set()
        self._dirty.set()
        self._writer.join()
        if self._crash is not None:
            raise InternalError(f"the database writer died: {self._crash!r}") from self._crash

    def _run(self) -> None:
        try:
            with closing(self._connection):
                closing_down = False
                while not closing_down:
                    self._dirty.wait()
                    # Waiting a little lets equal panics pile up into one write.
                    self._hurry.wait(RETRY_EVERY_S if self._failed else FLUSH_EVERY_S)
                    # Looked at before the round, which then has all that was collected before close().
                    closing_down = self._closing.is_set()
                    self._write_round()
                self._checkpoint()
        except Exception as error:  # a bug of ours: the host goes on without its log, and close() says so
            self._crash = error
            self._failed = f"cannot write {shown(self.path)}: the writer died of a bug: {error!r}"
            structlog.get_logger().exception("database writer died", path=str(self.path))
        finally:
            with self._lock:
                self._ended = True
                waiters, self._waiters = self._waiters, []
            _release(waiters)

    def _write_round(self) -> None:
        # Cleared first: what is collected from here on sets them again.
        self._hurry.clear()
        self._dirty.clear()
        with self._lock:
            waiters, self._waiters = self._waiters, []
            ledgers = self._ledgers
        try:
            for ledger in ledgers:
                ledger.write(self._connection)
        except sqlite3.Error as error:
            self._write_failed(explain(self.path, error))
        else:
            self._write_succeeded()
        finally:
            _release(waiters)

    def _write_failed(self, why: str) -> None:
        if self._failed is None:
            structlog.get_logger().error("database not written; will retry", reason=why)
        self._failed = why
        self._dirty.set()

    def _write_succeeded(self) -> None:
        if self._failed is not None:
            structlog.get_logger().info("database written again", path=str(self.path))
        self._failed = None

    def _checkpoint(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            # Nothing is lost: the rows are in the write-ahead log, which the next opening reads.
            structlog.get_logger().warning("database not checkpointed", reason=explain(self.path, error))


def _release(waiters: list[threading.Event]) -> None:
    for waiter in waiters:
        waiter.set()
