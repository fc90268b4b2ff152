"""Tables and the log on terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import DEMO_GUESTS, GUESTS, REAL, SYNTHETIC, observers, wasmhost
from tests.cli.terminals import on_a_terminal
from wasmhost.cli.tables import Cell, Column, table
from wasmhost.cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (Column("name", least=8), Column("rare", "right", drop=1), Column("count", "right"))
ROWS = [(Cell("a-long-observer-name"), Cell("1"), Cell("22"))]


def test_where_there_is_room_all_is_shown() -> None:
    """Framed, on one line per row."""
    lines = table(COLUMNS, ROWS, Terminal(80, colour=False)).splitlines()
    assert lines[1].split() == ["│", "name", "│", "rare", "│", "count", "│"]
    assert len(lines) == 5


def test_where_there_is_little_the_least_important_goes_and_the_rest_is_folded() -> None:
    """No line is wider than the terminal, and no text is lost."""
    lines = table(COLUMNS, ROWS, Terminal(20, colour=False)).splitlines()
    assert "rare" not in lines[1]
    assert "count" in lines[1]
    assert max(map(len, lines)) <= 20
    assert "".join(line.split("│")[1].strip() for line in lines[3:-1]) == "a-long-observer-name"


def test_elsewhere_it_is_plain() -> None:
    """Two spaces between columns, none at a line's end."""
    assert table(COLUMNS, ROWS, Terminal(None, colour=False)).splitlines() == [
        "name                  rare  count",
        "a-long-observer-name     1     22",
    ]


@pytest.mark.parametrize("width", [40, 50, 80, 140])
def test_the_panic_log_fits(tmp_path: Path, width: int) -> None:
    """Also with names and messages that nodes chose; wide characters count twice."""
    wasmhost("run", *observers("trapper", "spinner"), "--from", SYNTHETIC, cwd=tmp_path)
    shown = on_a_terminal("panics", cwd=tmp_path, width=width)
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= width
    assert all(line.endswith(("╮", "│", "┤", "╯")) for line in shown.lines if line)  # no column is cut off
    assert "trapper" in shown.text


@pytest.mark.parametrize("piped", [False, True], ids=["", "piped"])
@pytest.mark.parametrize("width", [40, 50, 140])
def test_the_summary_fits(tmp_path: Path, width: int, piped: bool) -> None:
    """The table of a run, under its log; also where only standard error is a terminal."""
    arguments = ("run", *observers(*DEMO_GUESTS), "--from", REAL, "--reports", "r")
    shown = on_a_terminal(*arguments, cwd=tmp_path, width=width, piped=piped)
    assert shown.code == 0
    assert "65 events, 0 rejected" in shown.text
    framed = [line for line in shown.lines if line.startswith(("╭", "│", "├", "╰"))]
    assert all(len(line) <= width and line.endswith(("╮", "│", "┤", "╯")) for line in framed)
    assert "guest log" in shown.text


def test_inspect_folds_what_is_long(tmp_path: Path) -> None:
    """Sixteen hooks on a narrow terminal."""
    shown = on_a_terminal(
        "inspect", GUESTS / "event-counter.wasm", "--grant", "state", cwd=tmp_path, width=60
    )
    assert shown.code == 0
    assert "on_mailbox_backpressure" in shown.text
    assert all(len(line) <= 60 for line in shown.lines if "sha256" not in line and len(line.split()[-1]) < 40)


def test_a_column_of_short_text_takes_no_more_than_that() -> None:
    """The width a column may be folded to is not one it must have."""
    lines = table((Column("a", least=40), Column("b")), [(Cell("x"), Cell("y"))], Terminal(20, colour=False))
    assert lines.splitlines()[1] == "│ a │ b │"
