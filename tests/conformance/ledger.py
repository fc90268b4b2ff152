"""What observers cost in each language: docs/ledger.md, measured and written by ``make ledger``."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Final

from tests.conformance.measuring import init_fuel, memory_pages
from tests.guests.built import ROOT, built
from tests.guests.helpers import REAL
from tests.guests.languages import LANGUAGES
from wasmhost.contract.hooks import EARLY_HOOKS, HOOKS
from wasmhost.testing.desk import Desk, Workshop
from wasmhost.testing.events import read_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wasmhost.contract.codec import Frame
    from wasmhost.testing import Observer

PATH: Final = ROOT / "docs" / "ledger.md"
_PAGE_KIB: Final = 64
_COLUMNS: Final = (
    "language",
    "compiler",
    "probe bytes",
    "relay-watch bytes",
    "at most",
    "init fuel",
    "memory KiB",
    "fuel p50",
    "under",
)

_ABOUT: Final = """
Written by `make ledger`, and held against the sources by `tests/conformance/test_ledger.py`: a change in
what a guest costs is a change of this file. Fuel is that of wasmtime {wasmtime}, the airlock included.
"""
_ABOUT_GUESTS: Final = """
`probe` has all sixteen hooks and uses every capability; `relay-watch` is the example. Memory is what `probe`
takes for the recorded trace, `fuel p50` the median of relay-watch's calls on it. Size and median have to stay
under what stands behind them. Init fuel is what making a sandbox takes of `init_fuel`, by default
100,000,000: a unit for each byte of the module's data, which is copied, and what its start costs.
"""
_ABOUT_HOOKS: Final = """
Of `probe`, which reads every field of the event and reports it; the first event of that hook in the recorded
trace.
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one language costs.

    ``probe`` and ``relay_watch``: bytes of the modules. ``init``: fuel of making a sandbox. ``memory``: KiB
    of linear memory that the real trace takes. ``median``: fuel of a call of relay-watch there. ``hooks``:
    fuel of a call of each hook of the probe.
    """

    language: str
    compiler: str
    probe: int
    relay_watch: int
    init: int
    memory: int
    median: int
    hooks: dict[str, int]


def measure(desk: Desk, language: str) -> Cost:
    """Measure one language."""
    probe, relay_watch = built("probe", language), built("relay-watch", language)
    watching = desk(relay_watch)
    watching.replay(REAL)
    return Cost(
        language,
        LANGUAGES[language].compiler(),
        len(probe),
        len(relay_watch),
        init_fuel(desk, desk(probe)),
        memory_pages(desk(probe), lambda observer: observer.replay(REAL)) * _PAGE_KIB,
        statistics.median_low(watching.fuel),
        {frame.hook: _fuel(desk(probe), frame) for frame in typical_events()},
    )


def typical_events() -> list[Frame]:
    """The first event of each hook in the real trace that a host would deliver."""
    found: dict[str, Frame] = {}
    for frame in read_events(REAL):
        if frame.has_ctx or frame.hook in EARLY_HOOKS:
            found.setdefault(frame.hook, frame)
    return [found[hook.name] for hook in HOOKS if hook.name in found]


def _fuel(observer: Observer, frame: Frame) -> int:
    """Of the second call: the first may have something to set up."""
    observer.deliver(frame)
    return observer.deliver(frame).fuel


def render(costs: Sequence[Cost]) -> str:
    """Write the ledger."""
    names = [cost.language for cost in costs]
    hooks = [
        [f"`{hook.name}`", *(f"{cost.hooks[hook.name]:,}" for cost in costs)]
        for hook in HOOKS
        if hook.name in costs[0].hooks
    ]
    parts = [
        "# What observers cost, by language",
        _paragraph(_ABOUT.format(wasmtime=version("wasmtime"))),
        "## Guests",
        _paragraph(_ABOUT_GUESTS),
        _table(_COLUMNS, [_row(cost) for cost in costs]),
        "## A call of each hook",
        _paragraph(_ABOUT_HOOKS),
        _table(["hook", *names], hooks),
    ]
    return "\n\n".join(parts) + "\n"


def _paragraph(text: str) -> str:
    return fill(" ".join(text.split()), 110)


def _row(cost: Cost) -> list[str]:
    language = LANGUAGES[cost.language]
    return [
        cost.language,
        cost.compiler,
        f"{cost.probe:,}",
        f"{cost.relay_watch:,}",
        "" if language.size is None else f"{language.size:,}",
        f"{cost.init:,}",
        f"{cost.memory:,}",
        f"{cost.median:,}",
        f"{language.median:,}",
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    words = [] if columns[0] == "hook" else [1]
    rules = ["---" if place in (0, *words) else "---:" for place in range(len(columns))]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (columns, rules, *rows))


def read_ledger(text: str) -> dict[str, Cost]:
    """Read a ledger back: what it says of each language."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    start = next(place for place, row in enumerate(rows) if row[0] == "hook")
    hooks = {row[0].strip("`"): row[1:] for row in rows[start + 2 :]}
    costs: dict[str, Cost] = {}
    for place, (name, compiler, probe, relay_watch, _, init, memory, median, _) in enumerate(rows[2:start]):
        calls = {hook: _number(cells[place]) for hook, cells in hooks.items()}
        sizes, fuel = (
            (_number(probe), _number(relay_watch)),
            (_number(init), _number(memory), _number(median)),
        )
        costs[name] = Cost(name, compiler, *sizes, *fuel, calls)
    return costs


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def main() -> None:
    """Measure every language, and write the ledger."""
    with Workshop() as workshop, Desk(workshop, Path()) as desk:
        costs = [measure(desk, language) for language in LANGUAGES]
    PATH.write_text(render(costs), encoding="utf-8")
    sys.stdout.write(f"{PATH.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
