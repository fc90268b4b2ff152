"""What observers found, as messages: the JSON that sinks send, with numbers that are the same on every run.

A batch that was not checkpointed is run again, here or by another host, and makes the same reports of the
same events. So a report's number is made of what it is about, and the stream keeps the first of each.
"""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING

from wasmhost.jetstream.names import escaped
from wasmhost.jetstream.publishing import Message
from wasmhost.panics.record import signature
from wasmhost.sinks.entry import message, report_entry
from wasmhost.text import safe_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.jetstream.names import Names
    from wasmhost.panics.record import Panic
    from wasmhost.sinks import ReportRecord

_NAME_LIMIT = 256


class ReportMessages:
    """Makes messages of reports. ``invalid``: by observer, those whose body is no CBOR."""

    def __init__(self, names: Names) -> None:
        self.invalid = Counter[str]()
        self._names = names

    def of(self, records: Iterable[ReportRecord]) -> list[Message]:
        """Make those of one batch: an event's reports are all in one, and numbered in their order."""
        found: list[Message] = []
        counts = Counter[tuple[str, str, int]]()
        for record in records:
            event = (record.observer, record.src, record.seq)
            number = f"r.{record.observer}.{escaped(record.src)}.{record.seq}.{counts[event]}"
            counts[event] += 1
            try:
                data = message(0, report_entry(record, 0, number, 0)).data
            except ValueError:
                self.invalid[record.observer] += 1
                continue
            found.append(Message(self._names.report(record.observer, record.topic), number, data))
        return found


def panic_messages(names: Names, panics: Iterable[Panic]) -> list[Message]:
    """Make messages of panics; one before any event is of this run only, and never the same as another."""
    found: list[Message] = []
    for panic in panics:
        event = f"{escaped(panic.src)}.{panic.seq}" if panic.event else secrets.token_hex(8)
        number = f"p.{panic.observer}.{event}"
        record = {
            "id": number,
            "what": "panic",
            "observer": panic.observer,
            "module_sha256": panic.module_sha256,
            "hook": panic.hook,
            "src": shorten(panic.src, _NAME_LIMIT),
            "seq": panic.seq,
            "at": panic.at,
            "kind": panic.kind.value,
            "message": panic.message,
            "backtrace": list(panic.backtrace),
            "fuel_budget": panic.fuel_budget,
            "lost": panic.lost,
            "wasmtime": panic.wasmtime,
            "signature": signature(panic),
            "happened_at": panic.happened_at,
        }
        data = safe_json(record, compact=True).encode()
        found.append(Message(names.panic(panic.observer, panic.kind.value), number, data))
    return found
