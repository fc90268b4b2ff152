"""The panic log for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from wasmhost.cli.tables import Cell, Column, table
from wasmhost.panics import PanicKind
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wasmhost.cli.terminal import Terminal
    from wasmhost.panics import PanicRow

_MESSAGE_LIMIT: Final = 500
_NAME_LIMIT: Final = 64
_PATH_LIMIT: Final = 400
_NS: Final = 1_000_000_000

KIND_WORDS: Final = {
    PanicKind.UNREACHABLE: "panicked",
    PanicKind.OUT_OF_FUEL: "used up its fuel",
    PanicKind.DEADLINE: "took too long",
    PanicKind.OUT_OF_BOUNDS: "reached outside its memory",
    PanicKind.STACK_OVERFLOW: "recursed too deeply",
    PanicKind.ARITHMETIC: "divided by zero, or the like",
    PanicKind.ALLOCATOR: "could not take the event in",
    PanicKind.EXIT: "tried to exit",
    PanicKind.OTHER: "trapped",
}


def panic_table(rows: Sequence[PanicRow], path: Path, screen: Terminal) -> str:
    """Return the panic log as a table, or a line that says that it is empty."""
    if not rows:
        return f"no panics in {escape_untrusted(str(path), _PATH_LIMIT)}\n"
    return _plain(rows, screen) if screen.plain else _framed(rows, screen)


def _plain(rows: Sequence[PanicRow], screen: Terminal) -> str:
    """One line each, what is longest and least certain last."""
    columns = (
        Column("id", "right"),
        Column("count", "right"),
        Column("last"),
        Column("observer"),
        Column("hook"),
        Column("kind"),
        Column("message"),
    )
    lines = [
        (
            Cell(str(row.id)),
            Cell(str(row.count)),
            Cell(moment(row.last_at)),
            Cell(_name(row.observer)),
            Cell(_name(row.hook)),
            Cell(row.kind.value),
            Cell(_message(row)),
        )
        for row in rows
    ]
    return table(columns, lines, screen)


def _framed(rows: Sequence[PanicRow], screen: Terminal) -> str:
    """Two things to a cell where they belong together, so that it fits a narrow terminal."""
    columns = (
        Column("id", "right", drop=2),
        Column("count", "right"),
        Column("last (UTC)", drop=1),
        Column("observer, hook", least=12),
        Column("kind, message", least=12),
    )
    lines = [
        (
            Cell(str(row.id), "dim"),
            Cell(f"{row.count:,}", "red"),
            Cell(moment(row.last_at).replace("T", "\n").rstrip("Z")),
            Cell(f"{_name(row.observer)}\n{_name(row.hook)}"),
            Cell(f"{row.kind.value}\n{_message(row)}"),
        )
        for row in rows
    ]
    return table(columns, lines, screen)


def moment(at: int) -> str:
    """Return a Unix time in nanoseconds as ISO 8601 to the second, in UTC."""
    try:
        return datetime.fromtimestamp(at // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # 64 bits reach further than the calendar
        return f"{at} ns"


def _name(text: str) -> str:
    return escape_untrusted(text, _NAME_LIMIT)


def _message(row: PanicRow) -> str:
    return escape_untrusted(row.message, _MESSAGE_LIMIT)
