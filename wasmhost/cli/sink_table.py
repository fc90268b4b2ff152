"""How sinks are going, for people and as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from wasmhost.cli.tables import Cell, Column, table
from wasmhost.text import escape_untrusted, safe_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wasmhost.cli.terminal import Terminal
    from wasmhost.sinks.office import SinkReport

_NS: Final = 1_000_000_000
_PATH_LIMIT: Final = 400
_ERROR_LIMIT: Final = 300
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def sinks_json(found: Sequence[SinkReport]) -> str:
    """Return one array, a line."""
    now = time.time_ns()
    return (
        safe_json(
            [
                {
                    "name": one.sink.name,
                    "kind": one.sink.kind,
                    "waiting": one.waiting.rows,
                    "waiting_bytes": one.waiting.size,
                    "oldest_s": _age(one, now),
                    "sent": one.sink.sent,
                    "dead": one.sink.dead,
                    "dropped": one.sink.dropped,
                    "invalid": one.sink.invalid,
                    "tries_failed": one.sink.tries_failed,
                    "error": one.sink.error or None,
                    "dead_letters": one.dead_letters,
                    "dead_letter_file": one.sink.dead_letter,
                }
                for one in found
            ]
        )
        + "\n"
    )


def sink_table(found: Sequence[SinkReport], path: Path, screen: Terminal) -> str:
    """Return a table, or a line that says that there are none."""
    if not found:
        return f"no sinks in {escape_untrusted(str(path), _PATH_LIMIT)}\n"
    now = time.time_ns()
    columns = (
        Column("sink"),
        Column("kind", drop=2),
        Column("waiting", "right"),
        Column("oldest", "right"),
        Column("sent", "right"),
        Column("dead", "right"),
        Column("dropped", "right", drop=3),
        Column("letters", "right", drop=4),
        Column("last error", drop=1, least=16),
    )
    rows = [
        (
            Cell(one.sink.name),
            Cell(one.sink.kind),
            Cell(f"{one.waiting.rows:,}", "yellow" if one.waiting.rows else ""),
            Cell(_words(_age(one, now))),
            Cell(f"{one.sink.sent:,}", "green" if one.sink.sent else ""),
            Cell(f"{one.sink.dead:,}", "red" if one.sink.dead else ""),
            Cell(f"{one.sink.dropped:,}", "red" if one.sink.dropped else ""),
            Cell(f"{one.dead_letters:,}"),
            Cell(escape_untrusted(one.sink.error, _ERROR_LIMIT) or "-"),
        )
        for one in found
    ]
    return table(columns, rows, screen)


def _age(one: SinkReport, now: int) -> float | None:
    """Seconds that the oldest has waited; a clock that was set back makes it no less than nothing."""
    oldest = one.waiting.oldest_at
    return None if oldest is None else round(max(0, now - oldest) / _NS, 1)


def _words(age: float | None) -> str:
    if age is None:
        return "-"
    for seconds, unit in _UNITS:
        if age >= seconds:
            return f"{age / seconds:.0f} {unit}"
    return f"{age:.0f} s"
