"""`wasmhost test`, as an author types it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.authoring.helpers import events, logging_guest, panicking_guest, project
from tests.cli.helpers import wasmhost
from tests.cli.terminals import on_a_terminal
from tests.cli.test_output import shell

if TYPE_CHECKING:
    from pathlib import Path

EVENT = '{"hook": "on_signaling_connected"}'


def outcome(folder: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Run the tests of a project: exit code, standard output, complaints."""
    result = wasmhost("test", *arguments, cwd=folder)
    return result.code, result.out, result.complaints


def test_nothing_is_expected_until_somebody_says_so(tmp_path: Path) -> None:
    """It fails and says how; then it is written, and it passes; then it says that nothing changed."""
    events(project(tmp_path, logging_guest("hello")), EVENT, EVENT)
    code, out, complaints = outcome(tmp_path)
    assert (code, out.splitlines()[0]) == (1, "first: FAILED (nothing is expected yet)")
    assert complaints == ["1 of 1 test failed; for first nothing is expected yet: --update writes what comes"]
    code, out, _ = outcome(tmp_path, "--update")
    assert (code, out.splitlines()[0]) == (0, "first: updated")
    expected = (tmp_path / "tests" / "first.expected.ndjson").read_text().splitlines()
    assert expected[0] == '{"seq": 0, "hook": "on_signaling_connected", "log": "hello", "level": "info"}'
    assert len(expected) == 2
    code, out, complaints = outcome(tmp_path)
    assert (code, out.splitlines()[0], complaints) == (0, "first: ok", [])
    assert outcome(tmp_path, "--update")[1].splitlines()[0] == "first: unchanged"


def test_a_difference_is_shown(tmp_path: Path) -> None:
    """As a unified diff, with exit code 1; what was built is built anew where the source is newer."""
    events(project(tmp_path, logging_guest("hello")), EVENT)
    assert outcome(tmp_path, "--update")[0] == 0
    (tmp_path / "observer.wat").write_text(panicking_guest("good bye"))
    code, out, complaints = outcome(tmp_path)
    assert (code, complaints) == (1, ["1 of 1 test failed"])
    lines = out.splitlines()
    assert lines[:4] == ["first: FAILED", "--- first: expected", "+++ first: came", "@@ -1 +1 @@"]
    assert lines[4].startswith('-{"seq": 0, "hook": "on_signaling_connected", "log": "hello"')
    assert lines[5].endswith('"panic": "unreachable", "message": "good bye"}')


def test_as_json(tmp_path: Path) -> None:
    """Each test with its status, each hook with what it costs."""
    folder = project(tmp_path, logging_guest())
    events(folder, EVENT, EVENT, name="a")
    events(folder, EVENT, name="b")
    assert (
        wasmhost("test", "-k", "a", "--update", "--json", cwd=tmp_path).json["tests"][0]["status"]
        == "updated"
    )
    result = wasmhost("test", "--json", cwd=tmp_path)
    assert result.code == 1
    told = result.json
    assert told["tests"] == [
        {"name": "a", "status": "ok", "difference": []},
        {"name": "b", "status": "missing", "difference": []},
    ]
    (fuel,) = told["fuel"]
    assert (fuel["hook"], fuel["calls"]) == ("on_signaling_connected", 3)
    assert 0 < fuel["p50"] <= fuel["max"]
    assert told["module"] == str(tmp_path / "build" / "small.wasm")


def test_another_module(tmp_path: Path) -> None:
    """It is tested as it is, and none is built."""
    folder = project(tmp_path / "p", logging_guest())
    events(folder, EVENT)
    assert wasmhost("build", "p", "--out", "x.wasm", "--component", cwd=tmp_path).code == 0
    (folder / "observer.wat").write_text("nonsense")
    result = wasmhost("test", "p", "--module", "x.wasm", "--update", cwd=tmp_path)
    assert (result.code, result.out.splitlines()[0]) == (0, "first: updated")
    assert not (folder / "build").exists()
    gone = wasmhost("test", "p", "--module", "gone.wasm", cwd=tmp_path)
    assert (gone.code, len(gone.complaints)) == (1, 1)


def test_the_config_of_the_tests(tmp_path: Path) -> None:
    """observer.toml's [test] is what the observer gets."""
    text = """(module
      (import "wasmhost:observer/config@0.1.0" "get" (func $get (param i32 i32 i32)))
      (import "wasmhost:observer/log@0.1.0" "write" (func $log (param i32 i32 i32)))
      (memory (export "memory") 2)
      (data (i32.const 64) "key")
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "wasmhost:observer/signaling@0.1.0#on-signaling-connected") (param i32 i32)
        (call $get (i32.const 64) (i32.const 3) (i32.const 0))
        (call $log (i32.const 2) (i32.load (i32.const 4)) (i32.load (i32.const 8)))))"""
    events(project(tmp_path, text, '[test]\nconfig = { key = "value" }\n'), EVENT)
    assert outcome(tmp_path, "--update")[0] == 0
    assert '"log": "value"' in (tmp_path / "tests" / "first.expected.ndjson").read_text()


@pytest.mark.parametrize("arguments", [[], ["-k", "nothing"]])
def test_no_tests(tmp_path: Path, arguments: list[str]) -> None:
    """One line, exit code 2."""
    folder = project(tmp_path)
    if arguments:
        events(folder, EVENT)
    code, out, complaints = outcome(tmp_path, *arguments)
    assert (code, out, len(complaints)) == (2, "", 1)


def test_a_mistake_in_the_events(tmp_path: Path) -> None:
    """File, line, reason; exit code 2, and nothing is written."""
    folder = project(tmp_path)
    events(folder, EVENT, name="a")
    events(folder, EVENT, '{"hook": "on_start", "seq": true}', name="b")
    code, out, complaints = outcome(tmp_path, "--update")
    assert (code, out) == (2, "")
    assert complaints[0].endswith(
        "b.events.ndjson:2: seq: expected an unsigned 64-bit integer, got a boolean"
    )
    assert not list((tmp_path / "tests").glob("*.expected.ndjson"))


def test_a_build_that_fails(tmp_path: Path) -> None:
    """The compiler's words, exit code 1."""
    events(project(tmp_path, "(module (nonsense))"), EVENT)
    code, out, complaints = outcome(tmp_path)
    assert (code, out, complaints) == (
        1,
        "",
        ["small is not built: observer.wat is no valid WebAssembly text"],
    )


def test_it_is_built_once(tmp_path: Path) -> None:
    """Where nothing changed, the module stays."""
    events(project(tmp_path, logging_guest()), EVENT)
    assert outcome(tmp_path, "--update")[0] == 0
    module = tmp_path / "build" / "small.wasm"
    later = module.stat().st_mtime + 60
    os.utime(module, (later, later))
    before = module.stat().st_mtime_ns
    assert outcome(tmp_path)[0] == 0
    assert module.stat().st_mtime_ns == before


def test_on_a_narrow_terminal(tmp_path: Path) -> None:
    """The table fits; the diff is coloured."""
    events(project(tmp_path, logging_guest("hi")), EVENT)
    shown = on_a_terminal("test", "--update", cwd=tmp_path, width=44)
    assert shown.code == 0
    assert "\x1b[32m+{" in shown.raw
    table = [line for line in shown.lines if line.startswith(("╭", "│", "├", "╰"))]
    assert table
    assert max(map(len, table)) <= 44


def test_a_reader_that_is_gone(tmp_path: Path) -> None:
    """No error."""
    events(project(tmp_path, logging_guest()), EVENT)
    assert outcome(tmp_path, "--update")[0] == 0
    assert shell("$W test | true", tmp_path).code == 0
