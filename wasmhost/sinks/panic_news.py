"""Which panics are told to sinks: the first of a signature at once, then how many, once in a window.

A guest can panic a hundred thousand times a second; nobody wants to be called that often. What has been told
of a signature is in the database beside the count itself, so that a host that is killed forgets nothing: the
``count`` that is told is over all runs, and comes out right in the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.database_file import from_signed
from wasmhost.text import safe_json, shorten

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_NAME_LIMIT: Final = 256
_BEGUN: Final = ""  # is no signature: its row says that what was before the first sink is told


class PanicNews:
    """Says of which signatures there is something to tell now. Used by one thread at a time.

    Times are of any clock that goes forwards.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._owed: dict[str, None] = {}  # in the order in which they came
        self._shut_until: dict[str, float] = {}

    def panicked(self, signatures: Iterable[str]) -> None:
        """Note that there is something to tell of these."""
        self._owed.update(dict.fromkeys(signatures))

    def due(self, now: float, *, all_of_it: bool = False) -> list[str]:
        """Return what is to be told now; what was told within the window waits, but for ``all_of_it``."""
        return [one for one in self._owed if all_of_it or now >= self._shut_until.get(one, now)]

    def next_at(self, now: float) -> float:
        """When there is something to tell; infinity where there is nothing."""
        return min((self._shut_until.get(one, now) for one in self._owed), default=float("inf"))

    def told(self, signatures: Iterable[str], now: float) -> None:
        """Note that these were told; of each there may be more after the window."""
        for signature in signatures:
            self._owed.pop(signature, None)
            self._shut_until[signature] = now + self._every_s
        if len(self._shut_until) > 2 * len(self._owed) + 1000:  # else it would hold all there ever were
            self._shut_until = {one: until for one, until in self._shut_until.items() if until > now}


class Told(NamedTuple):
    """One message about panics of a signature, as JSON, and what it is filed by."""

    observer: str
    kind: str
    src: str
    seq: int
    at: int
    body: bytes


def begin(connection: sqlite3.Connection) -> list[str]:
    """Return the signatures of which not all was told when the last run ended.

    The first time that there is somebody to be told, what was before is over, and none are returned.
    """
    (begun,) = connection.execute("SELECT count(*) FROM panic_told").fetchone()
    if not begun:
        connection.execute("INSERT INTO panic_told SELECT signature, count FROM panic_signature")
        connection.execute("INSERT INTO panic_told VALUES (?, 0)", (_BEGUN,))
        return []
    found = connection.execute(
        "SELECT s.signature FROM panic_signature s LEFT JOIN panic_told t USING (signature)"
        " WHERE s.count > coalesce(t.count, 0) ORDER BY s.first_at"
    ).fetchall()
    return [signature for (signature,) in found]


def tell(connection: sqlite3.Connection, signature: str) -> Told | None:
    """Make the message about a signature's panics, and note that they are told; None if they all were."""
    found = connection.execute(
        "SELECT s.count, coalesce(t.count, 0), s.first_at, s.last_at, p.observer, p.module_sha256, p.hook,"
        " p.src, p.seq, p.at, p.kind, p.message, p.backtrace, p.fuel_budget, p.lost, p.wasmtime"
        " FROM panic_signature s LEFT JOIN panic_told t USING (signature)"
        " JOIN panic p ON p.id = (SELECT max(id) FROM panic WHERE signature = s.signature)"
        " WHERE s.signature = ?",
        (signature,),
    ).fetchone()
    if found is None:
        return None
    count, told, first_at, last_at, observer, module, hook, src, seq, at, kind, *rest = found
    if count <= told:
        return None
    message, backtrace, fuel_budget, lost, wasmtime = rest
    record = {
        "observer": observer,
        "module_sha256": module,
        "hook": hook,
        "src": shorten(src, _NAME_LIMIT),
        "seq": from_signed(seq),
        "at": from_signed(at),
        "kind": kind,
        "message": message,
        "backtrace": json.loads(backtrace),
        "fuel_budget": from_signed(fuel_budget),
        "lost": from_signed(lost),
        "wasmtime": wasmtime,
        "signature": signature,
        "new": count - told,
        "count": count,
        "first_at": first_at,
        "last_at": last_at,
    }
    connection.execute("REPLACE INTO panic_told VALUES (?, ?)", (signature, count))
    body = safe_json(record, compact=True).encode()
    return Told(observer, kind, src, from_signed(seq), from_signed(at), body)
