"""The demonstration, as a stranger sees it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import DEMO_GUESTS, wasmhost
from tests.cli.terminals import on_a_terminal

if TYPE_CHECKING:
    from pathlib import Path


def test_it_ends_with_a_table_of_who_saw_what(tmp_path: Path) -> None:
    """Piped: plain text, one line per observer at the very end, nothing left behind, nothing logged."""
    result = wasmhost("demo", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert not list(tmp_path.iterdir())
    rows = {line.split()[0]: line.split()[1:] for line in result.out.splitlines()[-len(DEMO_GUESTS) :]}
    assert rows == {
        "credential-pager": ["7", "0", "58", "0", "2", "fine"],
        "flap-detector": ["10", "0", "55", "0", "1", "fine"],
        "relay-watch": ["6", "0", "59", "0", "0", "fine"],
        "event-counter": ["65", "0", "0", "0", "1", "fine"],
        "trapper": ["0", "5", "60", "0", "0", "quarantined"],
        "spinner": ["0", "4", "61", "0", "0", "isolated"],
    }


def test_it_tells_the_reports_and_the_panics_in_words(tmp_path: Path) -> None:
    """What was found, and what went wrong where."""
    words = " ".join(wasmhost("demo", cwd=tmp_path).out.split())
    for phrase in (
        "the credential of Caller ends in 24 h (event 10)",
        "WsEcho lost Ghost 3 times in 0.6 s (event 45)",
        "65 events so far, of 16 kinds",
        "panicked in on_webrtc_connected, 5 times",
        "its own words: trapper: stepped on by Victim #5",
        "spring_the_trap",
        "used up its fuel of 10,000,000 an event in on_websocket_connecting, 4 times",
    ):
        assert phrase in words


@pytest.mark.parametrize("width", [50, 80, 120])
def test_it_fits_the_terminal(tmp_path: Path, width: int) -> None:
    """No line is wider than the terminal, and the table is framed and coloured."""
    shown = on_a_terminal("demo", cwd=tmp_path, width=width)
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= width
    assert "quarantined" in shown.text
    assert "credential-pager" in shown.text
    assert shown.text.count("╭") == 1
    assert "\x1b[" in shown.raw


def test_without_colours_there_are_none(tmp_path: Path) -> None:
    """NO_COLOR: the same table, and no escape sequence at all."""
    shown = on_a_terminal("demo", cwd=tmp_path, width=80, env={"NO_COLOR": "1"})
    assert "\x1b" not in shown.raw
    assert "╭" in shown.text
