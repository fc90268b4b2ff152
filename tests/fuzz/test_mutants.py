"""Thousands of broken binaries: each refused with a reason or run within its limits, and nobody else hurt."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.batches import SLOW_S, run_all
from tests.fuzz.mutants.fields import fields_of
from tests.fuzz.mutants.fieldwise import Fields
from tests.fuzz.mutants.generate import Mutant, generated, mutants
from tests.fuzz.mutants.seeds import Seed, large_seeds, seeds
from tests.fuzz.oracle import judge
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.sections import layer, sections

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine

FOLDER = "WASMHOST_FUZZ_FOLDER"
"""The variable of the environment that says where to write what is found; else it is a test's own folder."""


@pytest.fixture(scope="module")
def good() -> list[Seed]:
    """All small seeds."""
    return seeds()


def test_the_seeds_run(engine: SandboxEngine, good: list[Seed]) -> None:
    """What mutants are made of is let in, and its hooks return; but for the two that are there to trap."""
    came = {seed.name: judge(engine, seed.wasm).what for seed in good}
    assert {name: what for name, what in came.items() if what != "ran: returned"} == {
        "spinner.wasm": "ran: hook trapped, out_of_fuel",
        "trapper.wasm": "ran: hook trapped, unreachable",
    }
    assert {layer(seed.wasm) for seed in good} == {"core", "component"}


def test_fields_are_known_to_the_end_of_each_section(good: list[Seed]) -> None:
    """Each section but the custom ones is walked to its last byte, so that any part of it can be changed."""
    for seed in good:
        if layer(seed.wasm) == "core":
            for kind, body in sections(seed.wasm):
                found = fields_of(kind, body)
                covered = sum(field.length for field in found)
                assert kind == 0 or covered == len(body), (seed.name, kind)


def test_the_same_seeds_give_the_same_mutants(good: list[Seed]) -> None:
    """No clock, no hash and no machine in it; none comes twice."""
    some = [*good[:4], good[-1]]
    one = [mutant.wasm for mutant in mutants(some, ())]
    assert one == [mutant.wasm for mutant in mutants(some, ())]
    assert len(set(one)) == len(one)


@pytest.mark.timeout(900)
def test_every_mutant_is_refused_or_contained(
    good: list[Seed], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not one crash, hang, raw text or neighbour disturbed, and enough of them get far enough to matter."""
    folder = Path(os.environ.get(FOLDER) or tmp_path / "found")
    tally = run_all(mutants(good, large_seeds()), folder)
    with capsys.disabled():
        sys.stdout.write(f"\n{tally}\n")
    assert tally.findings == []
    assert tally.count() >= 5_000
    assert tally.slowest[0] <= SLOW_S
    assert tally.peak_mib < 2_048
    # Past the parser: refused for what it means, or run.
    assert tally.count("refused: validator") >= 1_000
    assert tally.count("ran:") >= 1_000
    assert tally.count("ran: hook trapped") >= 100
    assert tally.count("refused: another") < 20  # the doors have names in oracle.py
    assert all(
        tally.count(f"refused: {door}") for door in ("parser", "manifest", "exports", "imports", "start")
    )


@pytest.mark.timeout(600)
def test_every_generated_module_is_refused_or_contained(tmp_path: Path) -> None:
    """Those do not come from a compiler, and most of them run: into every kind of trap there is for them."""
    tally = run_all(generated(500), Path(os.environ.get(FOLDER) or tmp_path / "found"))
    assert tally.findings == []
    assert tally.count() == 500
    assert tally.count("refused: validator") + tally.count("refused: parser") == 0
    assert tally.count("ran: returned") >= 50
    ended = {what.rpartition(" ")[2] for what in tally.counts if "trapped" in what}
    assert ended | {"deadline"} == {kind.value for kind in PanicKind}  # which depends on the machine


# what finds them

_PRETENDER = """
import json, os, signal, struct, sys
seen = b''
while head := sys.stdin.buffer.read(4):
    wasm = sys.stdin.buffer.read(struct.unpack("<I", head)[0])
    if wasm == b"crash" or wasm == b"second" and seen == b"first":
        os.kill(os.getpid(), signal.SIGSEGV)
    seen = wasm
    cpu = 99.0 if wasm == b"slow" else 0.0
    what = "finding" if wasm == b"odd" else "refused: parser"
    print(json.dumps(dict(what=what, detail="why", cpu_s=cpu, wall_s=cpu, peak_mib=1)), flush=True)
print(json.dumps(dict(what="end", detail="")))
"""


def test_a_binary_that_kills_its_process_is_found(tmp_path: Path) -> None:
    """By name, written out with how to try it again; those behind it are judged all the same."""
    words = ("good", "crash", "good", "odd", "slow", "first", "second", "good")
    given = [Mutant(f"{number} {word}", word.encode()) for number, word in enumerate(words)]
    tally = run_all(given, tmp_path, [sys.executable, "-c", _PRETENDER])
    assert tally.counts == Counter({"refused: parser": 5, "finding": 3})
    said = {found.name: found.what for found in tally.findings}
    assert sorted(said) == ["1 crash", "3 odd", "4 slow", "6 second"]
    assert said["1 crash"].startswith("the process ended with -11")
    assert said["1 crash"].endswith(", alone")
    assert said["3 odd"] == "why"
    assert "99.0 s of processor time" in said["4 slow"]
    assert "only after those before it" in said["6 second"]
    for found in tally.findings:
        assert found.file.read_bytes().decode() == found.name.partition(" ")[2]
        assert f"python -m tests.fuzz.child {found.file.name}" in found.file.with_suffix(".txt").read_text()


def test_a_mutant_of_fields_keeps_its_sections(good: list[Seed]) -> None:
    """Changing a field mends the sizes around it: the mutant comes apart into as many sections as before."""
    seed = next(seed for seed in good if seed.name == "control")
    taken, chance = Fields(seed.wasm), Random("here")
    for _ in range(300):
        _, wasm = taken.mutant(chance)
        assert [part.kind for part in sections(wasm)] == [part.kind for part in sections(seed.wasm)]
