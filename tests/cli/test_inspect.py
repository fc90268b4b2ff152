"""What is told of a module that may run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import DEMO_GUESTS, GUESTS, small_guest, wasmhost, wat
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ["name", "sha256", "size", "kind", "hooks", "imports", "memory", "accepted", "reason", "manifest"]
KEYS += ["table", "language", "sdk", "given", "sees"]


@pytest.mark.parametrize("name", DEMO_GUESTS)
def test_every_prebuilt_guest_is_accepted(tmp_path: Path, name: str) -> None:
    """With state granted, which event-counter needs; the keys are the contract's."""
    path = GUESTS / f"{name}.wasm"
    result = wasmhost("inspect", path, "--grant", "state", "--json", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    told = result.json
    assert list(told) == KEYS
    data = path.read_bytes()
    assert (told["name"], told["kind"], told["manifest"]) == (name, "core", None)
    assert (told["sha256"], told["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (told["accepted"], told["reason"]) == (True, None)
    assert set(told["memory"]) == {"min", "max"}
    for entry in told["imports"]:
        assert entry["module"] == f"wasmhost:observer/{entry['capability']}@0.1.0"


def test_it_shows_what_the_module_would_see(tmp_path: Path) -> None:
    """Of each hook a typical event, disguised where it is not granted; the same each time."""
    run = ("inspect", GUESTS / "flap-detector.wasm", "--json")
    told = wasmhost(*run, "--grant", "peer", cwd=tmp_path).json
    assert told["given"] == {
        "capabilities": ["config", "metrics", "report"],
        "fields": ["peer"],
        "without": [],
    }
    assert [row["hook"] for row in told["sees"]] == told["hooks"]
    (event, *_) = (row["event"] for row in told["sees"])
    assert event["event"]["peer"]["type"]["name"] == "caller"
    assert event["ctx"]["self-id"]["type"]["manufacturer"] == "withheld"
    bare = wasmhost(*run, cwd=tmp_path).json["sees"][0]["event"]
    assert bare["event"]["peer"]["type"]["manufacturer"] == "withheld"
    assert bare["ctx"] == event["ctx"]


def test_hooks_are_in_the_contracts_order(tmp_path: Path) -> None:
    """A guest with all hooks shows them as the table has them."""
    told = wasmhost("inspect", GUESTS / "event-counter.wasm", "--json", cwd=tmp_path).json
    assert told["hooks"] == [hook.name for hook in HOOKS]


def test_default_grants_decide_unless_more_is_granted(tmp_path: Path) -> None:
    """Refused without state: exit code 1 and one line; accepted with it."""
    path = GUESTS / "event-counter.wasm"
    refused = wasmhost("inspect", path, cwd=tmp_path)
    assert refused.code == 1
    assert "event-counter: refused" in refused.out
    assert '"state" is not granted' in refused.complaints[0]
    granted = wasmhost("inspect", path, "--grant", "state", cwd=tmp_path)
    assert granted.code == 0
    assert "event-counter: accepted" in granted.out
    assert "wasmhost:observer/state@0.1.0#save (state)" in granted.out


def test_what_is_not_offered_has_no_capability(tmp_path: Path) -> None:
    """An unknown import is told with capability null; WASI's are of "wasi"."""
    text = small_guest(
        more='(import "env" "x" (func)) (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))'
    )
    told = wasmhost("inspect", wat(tmp_path / "m.wasm", text), "--json", cwd=tmp_path).json
    assert [entry["capability"] for entry in told["imports"]] == [None, "wasi"]
    assert told["accepted"] is False


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    """One line, exit code 1."""
    for path in ("gone.wasm", "."):
        result = wasmhost("inspect", path, "--json", cwd=tmp_path)
        assert (result.code, result.out, len(result.complaints)) == (1, "", 1)
