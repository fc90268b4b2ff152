"""Fuzzes every target for a while, one after the other, each in a process of its own: `make fuzz`.

    python -m tests.fuzz.run [--seconds N] [--found FOLDER] [TARGET…]
    python -m tests.fuzz.run --replay TARGET FILE…

What was learnt is kept in the user's cache, for the next time. What was found is written into FOLDER, one
file for each input, and the way to try it again is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.fuzz.coverage import NATIVE
from tests.fuzz.targets import TARGETS
from wasmhost.authoring.caches import cache_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
_INPUT_TIMEOUT_S: Final = 20
_RSS_MIB: Final = 3072
_SPARE_S: Final = 120
_LARGEST: Final = 65_536
_PROGRESS: Final = re.compile(r"^#\d+\s+(INITED|DONE|pulse|NEW|REDUCE).*?cov: (\d+) ft: (\d+)", re.MULTILINE)
_EXECUTED: Final = re.compile(r"^stat::number_of_executed_units:\s*(\d+)|^Done (\d+) runs", re.MULTILINE)
_COUNTED: Final = re.compile(r"^#(\d+)\s", re.MULTILINE)


class Figures(NamedTuple):
    """What one target's run came to; coverage in libFuzzer's own units, at the beginning and at the end."""

    executions: int
    coverage_before: int
    coverage_after: int
    found: tuple[Path, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz, or try again what was found; 1 where something was."""
    parser = argparse.ArgumentParser(description="fuzz wasmhost's readers of strangers' bytes")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument(
        "--found", type=Path, default=Path("build/fuzz-found"), help="where to write what is found"
    )
    parser.add_argument("--replay", action="store_true", help="TARGET FILE…: check these inputs")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all of them")
    given = parser.parse_args(argv)
    if given.replay:
        return replay(given.targets[0], [Path(name) for name in given.targets[1:]])
    if strange := set(given.targets) - TARGETS.keys():
        parser.error(f"there is no target {min(strange)}")
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("fuzzing needs atheris, which `make fuzz` installs: pip install --group fuzz\n")
        return 2
    found = 0
    for name in given.targets or TARGETS:
        figures = fuzz(name, given.seconds, given.found.absolute())
        _tell(name, figures, given.seconds)
        found += len(figures.found)
    return 1 if found else 0


def replay(name: str, files: list[Path]) -> int:
    """Check some inputs again, in this process; what is raised is for whoever looks."""
    for file in files:
        TARGETS[name].check(file.read_bytes())
        sys.stdout.write(f"{file}: nothing was found\n")
    return 0


def fuzz(name: str, seconds: int, found: Path) -> Figures:
    """Fuzz one target in a child process."""
    found.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={_INPUT_TIMEOUT_S}",
        f"-rss_limit_mb={_RSS_MIB}",
        f"-max_len={_LARGEST}",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzz.coverage", name, str(found), str(corpus(name)), *options]
    try:
        ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=seconds + _SPARE_S)
        output, code = (ran.stdout + ran.stderr).decode(errors="replace"), ran.returncode
    except subprocess.TimeoutExpired as error:
        output, code = ((error.stdout or b"") + (error.stderr or b"")).decode(errors="replace"), -9
    latest = found / f"latest-{name}"
    written = [file for file in found.iterdir() if file not in before and file != latest]
    if code and not written and latest.exists():  # nobody was asked before it died
        written.append(latest.rename(found / f"{name}-died"))
    latest.unlink(missing_ok=True)
    if code:
        (found / f"{name}.log").write_text(output, encoding="utf-8")
    return figures(output, tuple(sorted(written)))


def corpus(name: str) -> Path:
    """The folder of inputs that a target starts from: those of its own, and what was learnt before."""
    folder = cache_folder("fuzz") / name
    folder.mkdir(parents=True, exist_ok=True)
    for data in TARGETS[name].corpus():
        (folder / f"seed-{sha256(data).hexdigest()[:16]}").write_bytes(data)
    return folder


def figures(output: str, found: tuple[Path, ...]) -> Figures:
    """Read libFuzzer's words."""
    coverage = [int(match[2]) for match in _PROGRESS.finditer(output)]
    executed = [int(match[1] or match[2]) for match in _EXECUTED.finditer(output)]
    executed += [int(match[1]) for match in _COUNTED.finditer(output)]
    return Figures(max(executed, default=0), *((coverage[0], coverage[-1]) if coverage else (0, 0)), found)


def _tell(name: str, seen: Figures, seconds: int) -> None:
    coverage = f"coverage {seen.coverage_before:,} to {seen.coverage_after:,}"
    sys.stdout.write(
        f"{name}: {seen.executions:,} inputs in {seconds} s, {coverage}, {len(seen.found)} found\n"
    )
    for file in seen.found:
        alone = " in a process that it may kill" if name in NATIVE else ""
        sys.stdout.write(f"  {file}\n  again{alone}: python -m tests.fuzz.run --replay {name} {file}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
