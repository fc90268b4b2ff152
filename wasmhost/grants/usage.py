"""What observers have used of what they are given: counted as they run, and kept in the database.

What was granted and is never used the operator may take away: `wasmhost grants` shows it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from wasmhost.config.model import GRANTABLE, GRANTABLE_FIELDS
from wasmhost.database_file import from_signed, reading, to_signed, transaction

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from wasmhost.database import Database
    from wasmhost.host.counters import Counters

Kind = Literal["hook", "capability", "field"]
_CAPABILITIES: Final = sorted(GRANTABLE)
_FIELDS: Final = sorted(GRANTABLE_FIELDS)
_U64: Final = (1 << 64) - 1


class Used(NamedTuple):
    """One thing that was used: a hook by its name, say."""

    kind: Kind
    name: str


def used_in(counters: Counters) -> dict[Used, int]:
    """Read off an observer's counters what it has used, and how often; of a capability only that it did."""
    hooks = counters.hooks.copy()  # at once: its worker may be adding one
    used = {Used("hook", name): given for name, tally in hooks.items() if (given := tally.given)}
    for name in _CAPABILITIES:
        if getattr(counters, f"used_{name}"):
            used[Used("capability", name)] = 1
    for name in _FIELDS:
        if count := getattr(counters, f"saw_{name}"):
            used[Used("field", name)] = count
    return used


@dataclass(slots=True)
class _Watched:
    observer: str
    module_sha256: str
    counters: Counters
    written: dict[Used, int]
    last: dict[Used, int] | None = None
    """What it had used in the end, where it is not there any more."""

    @property
    def used(self) -> dict[Used, int]:
        """What it has used so far."""
        return used_in(self.counters) if self.last is None else self.last


class UsageLog:
    """Writes what observers use behind, whenever the database's thread writes. Safe from any thread."""

    def __init__(self, database: Database | None = None) -> None:
        self._lock = threading.Lock()
        self._watched: list[_Watched] = []
        self._database = database
        if database is not None:
            database.attach(self)

    def watch(self, observer: str, module_sha256: str, counters: Counters) -> None:
        """Keep from now on what these counters count for a module; of its events, those to come."""
        before = {what: count for what, count in used_in(counters).items() if what.kind != "capability"}
        with self._lock:
            self._watched.append(_Watched(observer, module_sha256, counters, before))

    def forget(self, counters: Counters) -> None:
        """Keep what was counted so far, and no more. Nobody counts now; another may go on with them."""
        with self._lock:
            for each in self._watched:
                if each.counters is counters and each.last is None:
                    each.last = used_in(counters)
            if self._database is None:
                self._watched = [each for each in self._watched if each.last is None]
        for name in _CAPABILITIES:
            setattr(counters, f"used_{name}", 0)
        self.call()

    def call(self) -> None:
        """Have what is new written, where there is any."""
        with self._lock:
            new = any(each.used != each.written or each.last is not None for each in self._watched)
        if new and self._database is not None:
            self._database.notify()

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what is new; the writer thread's side of :class:`~wasmhost.database.Ledger`."""
        with self._lock:
            watched = tuple(self._watched)
        found = [(each, each.used) for each in watched]
        found = [(each, used) for each, used in found if used != each.written]
        if found:
            now = time.time_ns()
            with transaction(connection):
                for each, used in found:
                    for what, count in used.items():
                        _add(connection, each, what, count - each.written.get(what, 0), now)
            for each, used in found:
                each.written = used
        with self._lock:
            self._watched = [each for each in self._watched if each.last is None or each.last != each.written]


def _add(connection: sqlite3.Connection, each: _Watched, what: Used, more: int, now: int) -> None:
    if more > 0:
        connection.execute(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " count = count + excluded.count, last_at = excluded.last_at",
            (each.observer, each.module_sha256, what.kind, what.name, to_signed(more & _U64), now, now),
        )


def read_usage(path: Path, observer: str, module_sha256: str) -> dict[Used, int]:
    """Return what an observer's module has used so far; nothing where there is no database yet.

    Raises DatabaseError for a file that can't be read as one.
    """
    if not path.exists():
        return {}
    with reading(path) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'usage'").fetchone()
        if known is None:
            return {}
        rows = connection.execute(
            "SELECT kind, name, count FROM usage WHERE observer = ? AND module_sha256 = ?",
            (observer, module_sha256),
        ).fetchall()
    return {Used(kind, name): from_signed(count) for kind, name, count in rows}
