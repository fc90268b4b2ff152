"""Finds the golden tests of a project and runs them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from wasmhost.authoring.golden.compare import difference, read_expected, write_expected
from wasmhost.authoring.golden.events import TestFileError, read_json_events, read_recorded_events
from wasmhost.authoring.golden.transcript import record
from wasmhost.contract.manifest import in_order
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wasmhost.authoring.tryout import Tryout
    from wasmhost.contract.codec import Frame

Status = Literal["ok", "failed", "missing", "updated", "unchanged"]
_READERS: Final = {".events.ndjson": read_json_events, ".cborseq": read_recorded_events}
_EXPECTED: Final = ".expected.ndjson"


@dataclass(frozen=True, slots=True)
class GoldenTest:
    """One test: the file with its events, and the one with what is expected."""

    name: str
    events: Path
    expected: Path

    def read(self) -> list[Frame]:
        """Read its events. Raises TestFileError."""
        return _READERS[self.events.name.removeprefix(self.name)](self.events)


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went. ``missing``: nobody has said yet what is expected. ``difference``: a unified diff."""

    name: str
    status: Status
    difference: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it is as it should be, now."""
        return self.status not in {"failed", "missing"}


@dataclass(frozen=True, slots=True)
class HookFuel:
    """What the calls of one hook cost that returned."""

    hook: str
    calls: int
    p50: int
    most: int


@dataclass(slots=True)
class Outcome:
    """How all of them went."""

    results: list[Result] = field(default_factory=list[Result])
    _fuel: dict[str, list[int]] = field(default_factory=dict[str, "list[int]"])

    def add(self, result: Result, fuel: dict[str, list[int]]) -> None:
        """Note one test more."""
        self.results.append(result)
        for hook, costs in fuel.items():
            self._fuel.setdefault(hook, []).extend(costs)

    @property
    def fuel(self) -> list[HookFuel]:
        """The cost of each hook that was called, in the contract's order."""
        hooks = in_order(set(self._fuel))
        costs = [(hook, self._fuel[hook]) for hook in hooks]
        return [HookFuel(hook, len(each), statistics.median_low(each), max(each)) for hook, each in costs]


def find_tests(folder: Path, only: str = "") -> list[GoldenTest]:
    """Find the tests in a folder by their events' files; ``only`` those with this in their name.

    Raises TestFileError where two have the same name.
    """
    found: dict[str, GoldenTest] = {}
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        suffix = next((suffix for suffix in _READERS if path.name.endswith(suffix)), None)
        if suffix is None or path.name == suffix:
            continue
        name = path.name.removesuffix(suffix)
        if name in found:
            shown = escape_untrusted(str(path), 400)
            raise TestFileError(f"{shown}: {found[name].events.name} is a test of the same name")
        found[name] = GoldenTest(name, path, folder / f"{name}{_EXPECTED}")
    return [test for name, test in found.items() if only in name]


def run_tests(tryout: Tryout, tests: Sequence[GoldenTest], *, update: bool = False) -> Outcome:
    """Run them; with ``update``, what comes is what is expected from now on.

    Raises TestFileError for a file that cannot be used. All are read before the first is run.
    """
    outcome = Outcome()
    read = [(test, test.read(), None if update else read_expected(test.expected)) for test in tests]
    for test, events, expected in read:
        transcript = record(tryout, events)
        if update:
            result = _updated(test, transcript.lines)
        elif expected is None:
            result = Result(test.name, "missing")
        else:
            differs = difference(expected, transcript.lines, test.name)
            result = Result(test.name, "failed" if differs else "ok", tuple(differs))
        outcome.add(result, transcript.fuel)
    return outcome


def _updated(test: GoldenTest, lines: list[str]) -> Result:
    try:
        before = read_expected(test.expected)
    except TestFileError:  # it is no JSON: all the more reason
        before = None
    if before == lines:
        return Result(test.name, "unchanged")
    write_expected(test.expected, lines)
    return Result(test.name, "updated", tuple(difference(before or [], lines, test.name)))
