"""What observers ask to be remembered: one blob each, written behind, the latest wins."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from wasmhost.database_file import reading, transaction
from wasmhost.errors import InternalError

if TYPE_CHECKING:
    from wasmhost.database import Database

MAX_STATE = 64 * 1024
"""Bytes in one observer's state: the airlock's box has no room for more."""


class StateStore:
    """The state of every observer of one host, by the observer's name. Safe from any thread.

    Without a database, state lives as long as the store. Two hosts that share a database and an
    observer's name share its state too: whoever writes last wins.
    """

    def __init__(self, database: Database | None = None) -> None:
        self._database = database
        self._lock = threading.Lock()
        # All of it stays in memory: a restarted guest must not wait for a disk, and 64 KiB per
        # observer is what its sandbox takes anyway.
        self._blobs: dict[str, bytes | None] = {}
        self._unsaved: set[str] = set()
        if database is not None:
            database.attach(self)

    def load(self, observer: str) -> bytes | None:
        """Return the observer's latest state, saved to disk or not yet; None if it has none.

        Only the first call for an observer reads the database, and may raise DatabaseError.
        """
        with self._lock:
            if observer in self._blobs:
                return self._blobs[observer]
        stored = self._read(observer)
        with self._lock:
            # A save may have come in between, and is newer.
            return self._blobs.setdefault(observer, stored)

    def save(self, observer: str, blob: bytes) -> None:
        """Make ``blob`` the observer's state; it is on disk within 100 ms. Never waits for it.

        Raises InternalError for more than 64 KiB, which the airlock must not let through.
        """
        if len(blob) > MAX_STATE:
            raise InternalError(f"state of {len(blob)} bytes for {observer}; the limit is {MAX_STATE}")
        with self._lock:
            self._blobs[observer] = blob
            self._unsaved.add(observer)
        if self._database is not None:
            self._database.notify()

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what is unsaved; the writer thread's side of :class:`~wasmhost.database.Ledger`."""
        with self._lock:
            taken, self._unsaved = self._unsaved, set()
            blobs = [(observer, self._blobs[observer], time.time_ns()) for observer in taken]
        if not blobs:
            return
        try:
            with transaction(connection):
                connection.executemany("REPLACE INTO state VALUES (?, ?, ?)", blobs)
        except sqlite3.Error:
            with self._lock:
                self._unsaved |= taken
            raise

    def _read(self, observer: str) -> bytes | None:
        if self._database is None:
            return None
        with reading(self._database.path) as connection:
            row = connection.execute("SELECT blob FROM state WHERE observer = ?", (observer,)).fetchone()
        return None if row is None else row[0]
