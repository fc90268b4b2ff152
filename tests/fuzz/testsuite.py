"""Runs the modules of the public WebAssembly test suite through the oracle; by hand: it is not ours to keep.

    python -m tests.fuzz.testsuite FOLDER [FOUND]

FOLDER has the suite's ``.wast`` files (github.com/WebAssembly/testsuite), at any depth. What must not come of
a binary is written into FOUND. What the suite calls invalid and the engine lets pass (refused at imports or
exports here) are modules with two memories or tables: the airlock needs several, a store's limits forbid a
guest more than one.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.fuzz.batches import run_all
from tests.fuzz.mutants.generate import Mutant
from tests.fuzz.wast import VALID, modules


def main() -> None:
    """Run it, and say what came of each kind."""
    folder = Path(sys.argv[1])
    found = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("found")
    taken: dict[str, list[Mutant]] = {}
    text_only: Counter[str] = Counter()
    for file in sorted(folder.rglob("*.wast")):
        for number, module in enumerate(modules(file.read_text(encoding="utf-8"))):
            if module.wasm is None:
                text_only[module.said] += 1
            else:
                name = f"{file.relative_to(folder)} #{number}"
                taken.setdefault(module.said, []).append(Mutant(name, module.wasm))
    bad = False
    for said, binaries in sorted(taken.items()):
        tally = run_all(binaries, found)
        print(f"{said}: {len(binaries):,} binaries; {text_only[said]:,} are only text\n{tally}\n")  # noqa: T201
        bad = bad or bool(tally.findings)
        if said != VALID and (ran := tally.count("ran:")):
            print(f"{ran} of them ran")  # noqa: T201
    sys.exit(bad)


if __name__ == "__main__":
    main()
