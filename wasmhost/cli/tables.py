"""Tables: framed by Rich on a terminal, as wide as it is; plain columns of text elsewhere."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.cli.terminal import Terminal

_GAP: Final = "  "
_FRAME: Final = 3  # columns that a cell's frame takes


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title, and which columns go first where there is no room for all: 1 before 2, 0 never.

    ``least``: its text may be folded onto several lines, down to this width; 0 where it may not.
    """

    title: str
    align: Literal["left", "right"] = "left"
    drop: int = 0
    least: int = 0


class Cell(NamedTuple):
    """Text as it is (escaped, where a stranger wrote it), and a Rich style."""

    text: str
    style: str = ""


Row = tuple[Cell, ...]


def table(columns: Sequence[Column], rows: Sequence[Row], screen: Terminal) -> str:
    """Return a table as text, whole lines."""
    if screen.plain:
        return _plain(columns, rows)
    return _framed(columns, rows, screen)


def _plain(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    lines = [[column.title for column in columns], *([cell.text for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    return "".join(_justified(line, columns, widths) for line in lines)


def _justified(line: list[str], columns: Sequence[Column], widths: list[int]) -> str:
    cells = (
        text.rjust(width) if column.align == "right" else text.ljust(width)
        for text, column, width in zip(line, columns, widths, strict=True)
    )
    return _GAP.join(cells).rstrip() + "\n"


def _framed(columns: Sequence[Column], rows: Sequence[Row], screen: Terminal) -> str:
    console = _console(screen)
    least = [_least(column, [row[place].text for row in rows]) for place, column in enumerate(columns)]
    shown = _those_with_room(columns, least, console.width)
    framed = _rich_table([(columns[place], least[place]) for place in shown])
    for row in rows:
        framed.add_row(*(Text(row[place].text, row[place].style) for place in shown))
    with console.capture() as capture:
        console.print(framed)
    return capture.get()


def _least(column: Column, texts: Sequence[str]) -> int:
    """The width a column's text takes, folded as far as it may be."""
    widest = max(cell_len(line) for text in (column.title, *texts) for line in text.split("\n"))
    return min(column.least, widest) if column.least else widest


def _those_with_room(columns: Sequence[Column], least: Sequence[int], width: int) -> list[int]:
    """Return which columns are shown, by place."""
    shown = list(range(len(columns)))
    for place in sorted(shown, key=lambda place: columns[place].drop):
        if columns[place].drop and sum(_FRAME + least[place] for place in shown) + 1 > width:
            shown.remove(place)
    return shown


def _rich_table(columns: Sequence[tuple[Column, int]]) -> Table:
    framed = Table(box=box.ROUNDED, header_style="bold")
    for column, least in columns:
        framed.add_column(
            column.title,
            justify=column.align,
            no_wrap=not column.least,
            min_width=least,
            overflow="fold",
        )
    return framed


def _console(screen: Terminal) -> Console:
    system: Literal["auto"] | None = "auto" if screen.colour else None
    return Console(
        file=io.StringIO(),  # captured: what is shown is written elsewhere
        force_terminal=True,
        color_system=system,
        width=screen.width,
        highlight=False,
        markup=False,
        emoji=False,
    )


def styled(text: str, style: str, screen: Terminal) -> str:
    """Return text in a Rich style, where the screen shows any."""
    if screen.plain or not screen.colour:
        return text
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)
