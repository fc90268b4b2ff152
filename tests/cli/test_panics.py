"""The panic log as users and tools read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.helpers import REAL, observers, small_guest, wasmhost, wat

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "id",
    "observer",
    "module_sha256",
    "hook",
    "seq",
    "at",
    "kind",
    "message",
    "backtrace",
    "fuel_budget",
    "count",
    "first_at",
    "last_at",
    "signature",
}

TRAPS = {
    "unreachable": "unreachable",
    "out_of_fuel": "(loop $on (br $on))",
    "out_of_bounds": "(i32.store (i32.const -1) (i32.const 0))",
    "stack_overflow": "(call $deep)",
    "arithmetic": "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
}


def test_the_array_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    """One element per signature, newest first, types as promised."""
    wasmhost("run", *observers("trapper", "spinner"), "--from", REAL, cwd=tmp_path)
    rows = wasmhost("panics", "--json", cwd=tmp_path).json
    assert len(rows) == 2
    for row in rows:
        assert row.keys() == KEYS
        assert row["backtrace"]
        assert all(isinstance(frame, str) for frame in row["backtrace"])
        assert row["first_at"] <= row["last_at"]
    assert rows == sorted(rows, key=lambda row: (row["last_at"], row["id"]), reverse=True)


def test_the_file_can_be_named_in_three_ways(tmp_path: Path) -> None:
    """By --db, as an argument, and by default what a run writes by default."""
    wasmhost("run", *observers("trapper"), "--from", REAL, cwd=tmp_path)
    outputs = {
        wasmhost("panics", *arguments, cwd=tmp_path).out
        for arguments in ((), ("--db", "wasmhost.db"), ("wasmhost.db",))
    }
    assert len(outputs) == 1


def test_every_kind_of_trap_is_told_apart(tmp_path: Path) -> None:
    """Kinds don't change with the engine's words."""
    options: list[str | Path] = []
    for kind, body in TRAPS.items():
        text = small_guest(body, "(func $deep (call $deep))")
        options += ["--observer", wat(tmp_path / f"{kind}.wasm", text)]
    run = wasmhost("run", *options, "--from", REAL, "--json", cwd=tmp_path)
    assert run.code == 0
    rows = wasmhost("panics", "--json", cwd=tmp_path).json
    assert {row["observer"]: row["kind"] for row in rows} == {kind: kind for kind in TRAPS}


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    """Exit code 0: no panics is an answer."""
    wasmhost("run", *observers("relay-watch"), "--from", REAL, cwd=tmp_path)
    assert wasmhost("panics", cwd=tmp_path).out == "no panics in wasmhost.db\n"
    assert wasmhost("panics", "--json", cwd=tmp_path).json == []


def test_elsewhere_than_on_a_terminal_it_is_plain_lines(tmp_path: Path) -> None:
    """A title and one line per signature, message last, no frame, no colour; whatever COLUMNS says."""
    wasmhost("run", *observers("trapper"), "--from", REAL, cwd=tmp_path)
    title, line = wasmhost("panics", cwd=tmp_path, env={"COLUMNS": "20"}).out.splitlines()
    assert title.split() == ["id", "count", "last", "observer", "hook", "kind", "message"]
    assert line.split(maxsplit=6)[1] == "5"
    assert line.endswith("trapper: stepped on by Victim #5")
    assert (title + line).isascii()


def test_a_guests_last_words_cannot_move_the_cursor(tmp_path: Path) -> None:
    """A panic message of control characters is shown, and stored, escaped; JSON stays on one line."""
    text = small_guest(
        more="""(import "wasmhost:observer/panic@0.1.0" "report" (func $report (param i32 i32)))
          (data (i32.const 0) "\\1b[2J\\0aforged\\c2\\9b\\e2\\80\\ae")""",
        body="(call $report (i32.const 0) (i32.const 16)) unreachable",
    )
    run = wasmhost("run", "--observer", wat(tmp_path / "evil.wasm", text), "--from", REAL, cwd=tmp_path)
    shown = wasmhost("panics", cwd=tmp_path)
    stored = wasmhost("panics", "--json", cwd=tmp_path)
    escaped = "\\x1b[2J\\nforged\\x9b\\u202e"
    assert stored.json[0]["message"] == escaped
    assert escaped in shown.out
    assert len(shown.out.splitlines()) == 2
    for result in (run, shown, stored):
        assert all(line.isprintable() for line in (result.out + result.err).splitlines())
