"""What is to be sent: as it waits in the outbox, and as the JSON that goes out.

A record is one JSON object in printable ASCII. Its ``id`` is made once, when the record is taken, and is the
same however often it is sent: receivers tell by it what they have already.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from wasmhost.sinks.cbor_json import cbor_to_json
from wasmhost.text import safe_json, shorten

if TYPE_CHECKING:
    from wasmhost.sinks.base import ReportRecord
    from wasmhost.sinks.cbor_json import Json

RecordKind = Literal["report", "panic"]

OVERHEAD: Final = 128
"""What an entry is counted for beside its body and texts, in bytes."""
_NAME_LIMIT: Final = 256
_U64: Final = range(1 << 64)


class Entry(NamedTuple):
    """A record that waits. ``due``: a bit for each sink that is to have it. ``queued_at`` is Unix time in ns.

    ``body`` is a report's CBOR, or a panic's JSON; a panic's kind is its ``topic``.
    """

    due: int
    what: RecordKind
    observer: str
    topic: str
    key: str
    queued_at: int
    src: str
    seq: int
    at: int
    body: bytes

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return OVERHEAD + len(self.body) + len(self.topic) + len(self.src)


class Message(NamedTuple):
    """A record on its way out: ``row`` is its place in the outbox, ``data`` its JSON."""

    row: int
    key: str
    what: RecordKind
    observer: str
    topic: str
    queued_at: int
    data: bytes


class Keys:
    """Makes ids: of this run, and one higher than the last. Used by one thread at a time.

    A run has a name of its own, not a number: after a power cut the database may have forgotten the last of
    its rows, and a number that was given twice would make receivers drop a new record as one they know.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(6)
        self._last = 0

    def next(self) -> str:
        """Return an id that was never given before."""
        self._last += 1
        return f"{self._run}-{self._last}"


def report_entry(report: ReportRecord, due: int, key: str, queued_at: int) -> Entry:
    """Return a report as it waits."""
    observer, src, seq, at, topic, body = report
    return Entry(due, "report", observer, storable(topic), key, queued_at, storable(src), seq, at, body)


def storable(text: str) -> str:
    """Return text that SQLite takes: it knows no lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def message(row: int, entry: Entry) -> Message:
    """Return what goes out. Raises ValueError for a report whose body is no valid CBOR."""
    data = _panic_json(entry) if entry.what == "panic" else _report_json(entry)
    return Message(row, entry.key, entry.what, entry.observer, entry.topic, entry.queued_at, data)


def _report_json(entry: Entry) -> bytes:
    record: dict[str, Json] = {
        "id": entry.key,
        "what": "report",
        "observer": entry.observer,
        "src": shorten(entry.src, _NAME_LIMIT),
        "seq": entry.seq,
        "at": entry.at,
        "topic": entry.topic,
        "body_hex": entry.body.hex(),
        "body": cbor_to_json(entry.body),
    }
    return safe_json(record, compact=True).encode()


def _panic_json(entry: Entry) -> bytes:
    head = safe_json({"id": entry.key, "what": "panic"}, compact=True).encode()
    return head[:-1] + b"," + entry.body[1:]


def entry_again(record: object, due: int, queued_at: int) -> Entry:
    """Return a record that went out once as it waits to go out again, under the same id.

    Raises ValueError for what is no record of ours.
    """
    if not isinstance(record, dict):
        raise ValueError("no record of ours")  # noqa: TRY004 - it is a value that was read
    match record:
        case {"id": str(key), "observer": str(observer), "src": str(src), "seq": int(seq), "at": int(at)}:
            pass
        case _:
            raise ValueError("no record of ours")
    if not (seq in _U64 and at in _U64):
        raise ValueError("no record of ours: a number is out of range")
    match record:
        case {"what": "report", "topic": str(topic), "body_hex": str(body)}:
            kind: RecordKind = "report"
            data = bytes.fromhex(body)
        case {"what": "panic", "kind": str(topic)}:
            kind = "panic"
            rest = {name: value for name, value in record.items() if name not in {"id", "what"}}
            data = safe_json(rest, compact=True).encode()
        case _:
            raise ValueError("no record of ours")
    key, observer = storable(key), storable(observer)
    return Entry(due, kind, observer, storable(topic), key, queued_at, storable(src), seq, at, data)


def parse_json(line: bytes) -> object:
    """Return the JSON of a line. Raises ValueError, also for what is nested too deeply."""
    try:
        found: object = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found
