"""The audit itself: it says of what was contained that it was, and of nothing else."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from tests.audit.helpers import head, module, read, run, written
from tests.cli.helpers import wasmhost
from wasmhost.audit.cleanliness import Cleanliness
from wasmhost.audit.neighbour import Listener
from wasmhost.audit.result import Memory
from wasmhost.audit.run import run_audit
from wasmhost.audit.stage import Staged, stage
from wasmhost.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

SPINS = module("(loop $again (br $again))")
LOGS = '(import "wasmhost:observer/log@0.1.0" "write" (func $log (param i32 i32 i32)))'
FLOOD = module(
    "(local $k i32) (loop $again (call $log (i32.const 2) (i32.const 0) (i32.const 9))"
    " (local.set $k (i32.add (local.get $k) (i32.const 1)))"
    " (br_if $again (i32.lt_u (local.get $k) (i32.const 9000))))",
    LOGS,
)
EXITS = head("trapped", kind='"exit"')

CONTAINED = {
    "trapped": ("case.wat", head("trapped", kind='"out_of_fuel"') + SPINS),
    "refused": ("case.wat", head("refused", reason='"exports no hook"') + "(module)"),
    "bounded": ("case.wat", head("bounded", counts="{ logs_dropped = 1000, logs = [1, 900] }") + FLOOD),
    "harmless": ("case.wat", head("harmless") + module()),
    "hex": ("case.hex", head("refused", reason='"cut short"') + "0061736d"),
    "rejected": ("case.cbor", head("rejected", rejected="2", reason='"tag"') + "good\nbytes c100c100\ngood"),
    "ended": ("case.cbor", head("ended", at="1", reason='"malformed"', rejected="1") + "bytes 00 1c\n"),
    "a good stream": ("case.cbor", head("harmless") + "good 9"),
}


@pytest.mark.parametrize(("name", "text"), CONTAINED.values(), ids=CONTAINED)
def test_what_is_contained_is(tmp_path: Path, name: str, text: str) -> None:
    """For each word that there is."""
    result = run(tmp_path, text, f"mine/{name}")
    assert result.contained, result.seen
    assert result.ms is not None


NOT_CONTAINED = {
    "another kind": ("case.wat", head("trapped", kind='"exit"') + SPINS, "out_of_fuel × 3"),
    "fewer panics": ("case.wat", head("trapped", kind='"out_of_fuel"', panics="2") + SPINS, "panics 3"),
    "other words": ("case.wat", head("trapped", kind='"out_of_fuel"', reason='"bored"') + SPINS, "fuel"),
    "a lie of being harmless": ("case.wat", head("harmless") + SPINS, "panics 3"),
    "dropping is not harmless": ("case.wat", head("harmless") + FLOOD, "logs_dropped"),
    "not refused": ("case.wat", head("refused", reason='"."') + module(), "delivered 3"),
    "refused": ("case.wat", head("harmless") + "(module)", "refused: it exports no hook"),
    "another reason": ("case.wat", head("refused", reason='"magic"') + "(module)", "exports no hook"),
    "not as many": ("case.wat", head("bounded", counts="{ logs = [0, 3] }") + FLOOD, "logs "),
    "none rejected": ("case.cbor", head("rejected", rejected="1") + "good", "1 items accepted"),
    "rejected for another reason": (
        "case.cbor",
        head("rejected", rejected="1", reason='"deep"') + "bytes c100",
        "tag",
    ),
    "another place": ("case.cbor", head("ended", at="7") + "bytes 1c", "ended at byte 0"),
    "not ended": ("case.cbor", head("ended", at="0") + "good", "1 items accepted"),
    "ended": ("case.cbor", head("harmless") + "bytes 1c", "ended at byte 0"),
    "out of time": ("case.wat", head("harmless", events="10000", within="0.1") + module(), "not done within"),
}


@pytest.mark.parametrize(("name", "text", "seen"), NOT_CONTAINED.values(), ids=NOT_CONTAINED)
def test_what_is_not_as_expected_is_not_contained(tmp_path: Path, name: str, text: str, seen: str) -> None:
    """And what was seen instead is told."""
    result = run(tmp_path, text, f"mine/{name}")
    assert not result.contained
    assert seen in result.seen


@pytest.mark.parametrize(
    ("kept", "in_order"), [(slice(0, 20), True), (slice(5, None), False), (slice(None, None, -1), False)]
)
def test_a_neighbour_that_lost_events_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: slice, in_order: bool
) -> None:
    """However well the cases did: whole, or not in order."""

    async def losing(*arguments: object) -> Staged:
        staged = await stage(*arguments)  # type: ignore[arg-type]
        listener = Listener(tmp_path / "reports")
        listener.sent, listener.heard = staged.listener.sent, staged.listener.heard[kept]
        return dataclasses.replace(staged, listener=listener)

    monkeypatch.setattr("wasmhost.audit.run.stage", losing)
    case = read(tmp_path, head("harmless") + module())
    result = run_audit([case], "thread", Cleanliness())
    assert not result.contained
    assert result.classes[0].in_order is in_order
    assert "its neighbour had" in result.cases[0].seen


def test_a_control_character_is_told(tmp_path: Path) -> None:
    """Anywhere in what is written."""
    case = read(tmp_path, head("harmless") + module())
    clean = Cleanliness()
    clean.write("half a line, ")
    clean.write("and \x1b[2J its end\nfine\n")
    result = run_audit([case], "thread", clean)
    assert not result.contained
    assert result.dirty == (r"half a line, and \x1b[2J its end",)


def test_memory_may_grow_a_little() -> None:
    """An allocator keeps something for the next time; a leak is more."""
    assert Memory(100, 150).returned
    assert not Memory(100, 300).returned


def test_one_that_fails_does_not_take_others_along(tmp_path: Path) -> None:
    """They are run again one by one."""
    for name in ("a", "b", "c"):
        written(tmp_path, head("harmless") + (SPINS if name == "b" else module()), f"mine/{name}.wat")
    cases = [
        read(tmp_path, path.read_text(), f"mine/{path.name}")
        for path in sorted((tmp_path / "mine").iterdir())
    ]
    result = run_audit(cases, "thread", Cleanliness())
    assert [case.contained for case in result.cases] == [True, False, True]
    assert (result.classes[0].cases, result.classes[0].contained) == (3, 2)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which one it was."""
    case = read(tmp_path, head("harmless") + module())
    with pytest.raises(UserError, match="two cases are called mine/case"):
        run_audit([case, case], "thread", Cleanliness())
    with pytest.raises(UserError, match="no case for the isolation thread"):
        run_audit([read(tmp_path, head("died", thread="false") + module())], "thread", Cleanliness())


# the command


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    """Runs besides the corpus, or alone; exit code 0, and everything in the JSON."""
    written(tmp_path, head("trapped", kind='"out_of_fuel"') + SPINS, "mine/spins.wat")
    result = wasmhost("audit", "mine", "--class", "mine", "--json", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert found["contained"] is True
    assert (found["isolation"], found["walls"]["process"]) == ("process", True)
    assert {"wasmhost", "wasmtime", "cpu", "memory", "output"} <= set(found)
    (each,) = found["classes"]
    assert (each["class"], each["cases"], each["contained"]) == ("mine", 1, 1)
    neighbour = each["neighbour"]
    assert neighbour["sent"] == neighbour["delivered"] >= 40
    assert neighbour["in_order"] is True
    assert neighbour["p99_ms"] > 0
    (case,) = found["cases"]
    assert (case["name"], case["class"], case["contained"]) == ("mine/spins", "mine", True)


def test_one_that_is_not_contained_fails_the_audit(tmp_path: Path) -> None:
    """Named, with what was expected and what was seen; exit code 1."""
    written(tmp_path, head("harmless") + SPINS, "mine/liar.wat")
    result = wasmhost("audit", "mine", "--class", "mine", cwd=tmp_path)
    assert result.code == 1
    assert "not contained: mine/liar" in result.out
    assert "expected harmless" in result.out
    assert "out_of_fuel × 3" in result.out
    assert "1 of 1 not contained" in result.out
    assert (
        json.loads(wasmhost("audit", "mine", "--class", "mine", "--json", cwd=tmp_path).out)["contained"]
        is False
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone",), "gone is no folder of cases"),
        (("--class", "boredom"), 'there is no class "boredom"'),
        (("--isolation", "hope"), "--isolation: 'hope' is not one of"),
        (("mine", "--class", "mine"), "mine/case.wat:3: unknown key"),
    ],
)
def test_wrong_options_are_told_in_one_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2."""
    written(tmp_path, head("harmless") + ";;! color = 1\n")
    result = wasmhost("audit", *arguments, cwd=tmp_path)
    assert result.code == 2
    assert len(result.complaints) == 1
    assert words in result.complaints[0]
