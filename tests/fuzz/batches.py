"""Gives binaries to child processes by the batch, and counts what came of them.

A child that dies is found out: the binary without a verdict is tried alone, and the rest goes on in another
child. What was found is written into a folder, to be tried again by ``python -m tests.fuzz.child FILE``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict, cast

from tests.fuzz.child import FINDING, LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.fuzz.mutants.generate import Mutant

ROOT: Final = Path(__file__).resolve().parents[2]
SLOW_S: Final = 10.0
"""Of processor time, for one binary: an absurd one, on any machine."""
CHILD: Final = (sys.executable, "-m", "tests.fuzz.child")
_BATCH: Final = 300
_BATCH_TIMEOUT_S: Final = 300
_ALONE_TIMEOUT_S: Final = 60


class Line(TypedDict):
    """What a child says of a binary."""

    what: str
    detail: str
    cpu_s: float
    wall_s: float
    peak_mib: int


class Finding(NamedTuple):
    """A binary of which came what may not; ``file`` is where it was written to."""

    name: str
    what: str
    file: Path


@dataclass
class Tally:
    """What came of many binaries: how many of each kind, the worst, and what was found."""

    counts: Counter[str] = field(default_factory=Counter[str])
    slowest: tuple[float, str] = (0.0, "")
    longest: tuple[float, str] = (0.0, "")
    peak_mib: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])

    def count(self, start: str = "") -> int:
        """How many verdicts begin with these words."""
        return sum(number for what, number in self.counts.items() if what.startswith(start))

    def __str__(self) -> str:
        """As a table for people."""
        rows = [f"{number:7,}  {what}" for what, number in sorted(self.counts.items())]
        rows += [
            f"{self.count():7,}  in all",
            f"most processor time {self.slowest[0]:.2f} s ({self.slowest[1]})",
            f"longest {self.longest[0]:.2f} s ({self.longest[1]})",
            f"most memory of a child {self.peak_mib} MiB",
        ]
        return "\n".join(
            [*rows, *(f"FOUND {found.name}: {found.what} ({found.file})" for found in self.findings)]
        )


def run_all(mutants: Iterable[Mutant], folder: Path, child: Sequence[str] = CHILD) -> Tally:
    """Judge all of them, in as many children at a time as there are processors.

    ``child`` is the command that judges; ``folder`` is made where something is found.
    """
    tally = Tally()
    judges = _Judges(child, folder)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for part in pool.map(judges.batch, _batches(mutants)):
            _add(tally, part)
    return tally


def _batches(mutants: Iterable[Mutant]) -> Iterator[list[Mutant]]:
    left = iter(mutants)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _add(tally: Tally, part: Tally) -> None:
    tally.counts += part.counts
    tally.slowest, tally.longest = max(tally.slowest, part.slowest), max(tally.longest, part.longest)
    tally.peak_mib = max(tally.peak_mib, part.peak_mib)
    tally.findings += part.findings


@dataclass(frozen=True)
class _Judges:
    """Children of one kind, and where to write what they found."""

    command: Sequence[str]
    folder: Path

    def batch(self, batch: Sequence[Mutant]) -> Tally:
        """Judge a batch to its end, in one child after the other where they die."""
        tally = Tally()
        left = batch
        while left:
            lines, ended = self._in_child(left, _BATCH_TIMEOUT_S)
            for mutant, line in zip(left, lines, strict=False):
                self._note(tally, mutant, line)
            if ended == "":
                break
            self._died(tally, left, len(lines), ended)
            left = left[len(lines) + 1 :]
        return tally

    def _note(self, tally: Tally, mutant: Mutant, line: Line) -> None:
        tally.counts[line["what"]] += 1
        if line["what"] == FINDING:
            tally.findings.append(self._found(mutant, line["detail"]))
            return
        tally.slowest = max(tally.slowest, (line["cpu_s"], mutant.name))
        tally.longest = max(tally.longest, (line["wall_s"], mutant.name))
        tally.peak_mib = max(tally.peak_mib, line["peak_mib"])
        if line["cpu_s"] > SLOW_S:
            tally.findings.append(self._found(mutant, f"took {line['cpu_s']:.1f} s of processor time"))

    def _died(self, tally: Tally, batch: Sequence[Mutant], done: int, how: str) -> None:
        """A child went before the end: note the binary, and whether it does that alone too."""
        tally.counts[FINDING] += 1
        if done >= len(batch):
            tally.findings.append(self._found(batch[-1], f"behind the last of a batch: {how}"))
            return
        culprit = batch[done]
        _, alone = self._in_child([culprit], _ALONE_TIMEOUT_S)
        if not alone:
            for before in batch[:done]:
                self._found(before, f"before {culprit.name}, not alone")
        when = "alone" if alone else "only after those before it in its batch, which are written out too"
        tally.findings.append(self._found(culprit, f"{how}, {when}"))

    def _in_child(self, batch: Sequence[Mutant], timeout_s: float) -> tuple[list[Line], str]:
        """The verdicts, and how the child ended: "" where it came to its end."""
        given = b"".join(LENGTH.pack(len(mutant.wasm)) + mutant.wasm for mutant in batch)
        try:
            ran = subprocess.run(
                self.command, input=given, capture_output=True, timeout=timeout_s, cwd=ROOT, check=False
            )
        except subprocess.TimeoutExpired as error:
            output, how = error.stdout or b"", f"no end within {timeout_s:g} s"
        else:
            said = ran.stderr[-1500:].decode(errors="replace")
            output, how = ran.stdout, f"the process ended with {ran.returncode}: {said}"
        lines = [cast("Line", json.loads(line)) for line in output.splitlines() if line.endswith(b"}")]
        if lines and lines[-1]["what"] == "end":
            return lines[:-1], ""
        return lines, how

    def _found(self, mutant: Mutant, what: str) -> Finding:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{sha256(mutant.wasm).hexdigest()[:16]}.wasm"
        file.write_bytes(mutant.wasm)
        replay = f"{mutant.name}\n{what}\npython -m tests.fuzz.child {file.name}\n"
        file.with_suffix(".txt").write_text(replay, encoding="utf-8")
        return Finding(mutant.name, what, file)
