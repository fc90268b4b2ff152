"""`wasmhost new`, as an author types it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import wasmhost

if TYPE_CHECKING:
    from pathlib import Path


def test_from_an_empty_folder_to_a_tested_observer(tmp_path: Path) -> None:
    """It says the next two commands, and they work as printed."""
    made = wasmhost("new", "my-watch", "--lang", "wat", cwd=tmp_path)
    assert (made.code, made.err) == (0, "")
    first, *commands = made.out.splitlines()
    assert first == "made my-watch, an observer in WebAssembly text; next:"
    assert commands == ["  wasmhost build my-watch", "  wasmhost test my-watch"]
    built, tested = (wasmhost(*command.split()[1:], cwd=tmp_path) for command in commands)
    assert (built.code, built.complaints) == (0, [])
    assert (tested.code, tested.complaints) == (0, [])
    assert "first: ok" in tested.out


def test_in_the_folder_one_stands_in(tmp_path: Path) -> None:
    """Then the next commands need no folder."""
    made = wasmhost("new", "a", "--lang", "wat", "--dir", ".", cwd=tmp_path)
    assert made.out.splitlines()[1:] == ["  wasmhost build", "  wasmhost test"]
    assert wasmhost("build", cwd=tmp_path).code == 0


def test_a_folder_with_a_space_is_quoted(tmp_path: Path) -> None:
    """So that the line can be copied."""
    made = wasmhost("new", "a", "--lang", "wat", "--dir", "my own", cwd=tmp_path)
    assert "  wasmhost build 'my own'" in made.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["a"],
            "--lang is missing; the languages are rust, c, zig, go, assemblyscript, javascript, python, wat",
        ),
        (["a", "--lang", "pyton"], '--lang: "pyton" is no language wasmhost builds; did you mean "python"?'),
        (
            ["a b", "--lang", "c"],
            "NAME must be up to 64 letters, digits, '_' and '-'",
        ),
        (["a", "--lang", "c", "--dir", "there"], "there is there already: nothing is overwritten"),
        (["--lang", "c"], "NAME is missing; see wasmhost new --help"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    """Exit code 2, and nothing is made."""
    (tmp_path / "there").write_text("mine")
    result = wasmhost("new", *arguments, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert words in result.complaints[0]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
