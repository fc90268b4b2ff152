"""Modules that are no observers: each named with its reason, the others run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import GUESTS, REAL, accounted, small_guest, wasmhost, wat

if TYPE_CHECKING:
    from pathlib import Path

RELAY = GUESTS / "relay-watch.wasm"
GOOD = RELAY.read_bytes()
COMPONENT = b"\0asm\x0d\0\x01\0"

MODULES = {
    "empty": (b"", "it is empty"),
    "truncated": (GOOD[: len(GOOD) // 2], "it does not compile"),
    "eight-bytes": (GOOD[:7], "cut short"),
    "random": (random.Random(7).randbytes(500), "it is no WebAssembly binary"),
    "text": (b'(module (memory (export "memory") 1))', "it is no WebAssembly binary"),
    "no-hook": (b"\0asm\1\0\0\0", "it exports no hook"),
    "component": (COMPONENT, "exports no hook"),
    "oversized": (b"\0asm\1\0\0\0" + bytes(33 * 1024 * 1024), "more than module_mib = 32 allows"),
}


@pytest.mark.parametrize("name", MODULES)
def test_what_is_no_observer_is_refused_and_the_others_run(tmp_path: Path, name: str) -> None:
    """Exit code 1, one line with the reason, `refused` in the summary, and a full run of the rest."""
    data, reason = MODULES[name]
    bad = tmp_path / f"{name}.wasm"
    bad.write_bytes(data)
    result = wasmhost("run", "--observer", bad, "--observer", RELAY, "--from", REAL, "--json", cwd=tmp_path)
    assert result.code == 1
    refused = result.observer(name)
    assert refused.keys() == {"name", "state", "reason"}
    assert refused["state"] == "refused"
    assert reason in refused["reason"]
    (complaint,) = result.complaints
    assert complaint == f"observer {name} refused: {refused['reason']}"
    assert result.observer("relay-watch")["delivered"] == 6
    assert accounted(result.json)


@pytest.mark.parametrize("name", MODULES)
def test_inspect_says_why(tmp_path: Path, name: str) -> None:
    """The same reason, as JSON with accepted false, and exit code 1."""
    data, reason = MODULES[name]
    bad = tmp_path / f"{name}.wasm"
    bad.write_bytes(data)
    result = wasmhost("inspect", bad, "--json", cwd=tmp_path)
    assert result.code == 1
    assert result.json["accepted"] is False
    assert reason in result.json["reason"]
    assert result.json["size"] == len(data)
    assert (result.json["kind"] == "component") == (name == "component")
    assert len(result.complaints) == 1


def test_a_missing_module_is_refused_and_the_others_run(tmp_path: Path) -> None:
    """A file that is not there costs its observer only."""
    result = wasmhost(
        "run", "--observer", "gone.wasm", "--observer", RELAY, "--from", REAL, "--json", cwd=tmp_path
    )
    assert result.code == 1
    assert result.observer("gone")["state"] == "refused"
    assert "no such file" in result.observer("gone")["reason"].lower()
    assert result.observer("relay-watch")["delivered"] == 6


def test_imports_that_are_refused_are_named(tmp_path: Path) -> None:
    """Unknown, ungranted and of another type: each by its full name."""
    imports = {
        "unknown": ('"env" "system" (func)', "it imports env#system, which wasmhost does not offer"),
        "ungranted": (
            '"wasmhost:observer/state@0.1.0" "load" (func (param i32))',
            'it imports wasmhost:observer/state@0.1.0#load, and "state" is not granted',
        ),
        "mistyped": (
            '"wasmhost:observer/log@0.1.0" "write" (func (param i64))',
            "it imports wasmhost:observer/log@0.1.0#write as (i64) -> ()",
        ),
    }
    options: list[str | Path] = []
    for name, (declared, _) in imports.items():
        options += ["--observer", wat(tmp_path / f"{name}.wasm", small_guest(more=f"(import {declared})"))]
    result = wasmhost("run", *options, "--from", REAL, "--json", cwd=tmp_path)
    assert result.code == 1
    for name, (_, reason) in imports.items():
        assert result.observer(name)["reason"].startswith(reason)
    assert len(result.complaints) == 3


def test_a_wrong_hook_is_refused(tmp_path: Path) -> None:
    """A hook of another type is named with both types."""
    text = small_guest(hook="on_signaling_connected").replace("(param i32 i32) ", "(param i64) ")
    result = wasmhost("inspect", wat(tmp_path / "odd.wasm", text), "--json", cwd=tmp_path)
    assert result.code == 1
    assert "on-signaling-connected as (i64) -> (), and it must be (i32 i32) -> ()" in result.json["reason"]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("(func $s unreachable) (start $s)", "its start function trapped"),
        ('(func (export "_initialize") unreachable)', "its _initialize trapped (unreachable)"),
        ('(func (export "_initialize") (loop $on (br $on)))', "its _initialize trapped (out_of_fuel)"),
    ],
)
def test_one_that_does_not_start_is_refused(tmp_path: Path, start: str, reason: str) -> None:
    """A start function or an initialisation that traps, for `run` and `inspect` alike."""
    text = small_guest()
    module = wat(tmp_path / "dud.wasm", text[: text.rindex(")")] + start + ")")
    run = wasmhost("run", "--observer", module, "--from", REAL, "--json", cwd=tmp_path)
    inspected = wasmhost("inspect", module, "--json", cwd=tmp_path)
    assert run.code == inspected.code == 1
    assert reason in run.observer("dud")["reason"]
    assert inspected.json["reason"] == run.observer("dud")["reason"]


def test_names_in_a_module_cannot_move_the_cursor(tmp_path: Path) -> None:
    """What a module calls its imports is shown escaped."""
    text = small_guest(more='(import "\\1b[2Jevil" "a\\0ab" (func))')
    module = wat(tmp_path / "evil.wasm", text)
    for result in (
        wasmhost("inspect", module, cwd=tmp_path),
        wasmhost("run", "--observer", module, "--from", REAL, cwd=tmp_path),
    ):
        assert result.code == 1
        assert "\x1b" not in result.out + result.err
        assert "\\x1b[2Jevil" in result.err
