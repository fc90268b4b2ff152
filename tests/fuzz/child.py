"""Judges binaries in a process of its own, which one of them may kill.

    python -m tests.fuzz.child FILE…      one line for each: what came of it
    python -m tests.fuzz.child            binaries from standard input, as `batches.py` writes them

The lines on standard output are JSON, each written before the next binary is looked at: the first without
one is the binary that killed the process.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.fuzz.oracle import Neighbours, Verdict, judge
from wasmhost.sandbox.engine import SandboxEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LENGTH: Final = struct.Struct("<I")
FINDING: Final = "finding"
_MOST_CPU_S: Final = 600
_MOST_DATA: Final = 4 << 30  # what is written to; address space is reserved by the engine in large pieces
_CHECKED_NEW: Final = 50  # binaries from one making of new neighbours to the next


def main() -> None:
    """Judge them all."""
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    files = [Path(name) for name in sys.argv[1:]]
    _judge_all((file.read_bytes() for file in files) if files else _from_stdin())


def _judge_all(binaries: Iterable[bytes]) -> None:
    with SandboxEngine() as engine:
        neighbours = Neighbours(engine)
        for number, wasm in enumerate(binaries, start=1):
            before, since = _cpu_s(), time.monotonic()
            verdict = _judged(engine, wasm)
            cpu_s, wall_s = _cpu_s() - before, time.monotonic() - since
            _say(_undisturbed(neighbours, verdict, new=number % _CHECKED_NEW == 0), cpu_s, wall_s)
        neighbours.check_new()
        neighbours.close()
    _say(Verdict("end", ""))


def _judged(engine: SandboxEngine, wasm: bytes) -> Verdict:
    try:
        return judge(engine, wasm)
    except Exception as error:  # whatever else there is, is a finding
        return _finding(error)


def _undisturbed(neighbours: Neighbours, verdict: Verdict, *, new: bool) -> Verdict:
    try:
        neighbours.check_new() if new else neighbours.check()
    except Exception as error:
        return _finding(error)
    return verdict


def _finding(error: Exception) -> Verdict:
    return Verdict(FINDING, f"{type(error).__name__}: {error}"[:2000])


def _cpu_s() -> float:
    """Of all threads, and of the children that are done."""
    return sum(os.times()[:4])


def _from_stdin() -> Iterator[bytes]:
    while head := sys.stdin.buffer.read(LENGTH.size):
        yield sys.stdin.buffer.read(LENGTH.unpack(head)[0])


def _say(verdict: Verdict, cpu_s: float = 0.0, wall_s: float = 0.0) -> None:
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    line = {**verdict._asdict(), "cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak_mib}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
