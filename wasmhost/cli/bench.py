"""``wasmhost bench``: what a delivery costs here, beside what else it could cost."""

import json as json_format
import sys
from typing import TYPE_CHECKING

from wasmhost.cli.loglevel import LogLevel
from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import Terminal, put, say, terminal

if TYPE_CHECKING:
    from wasmhost.bench import Figures


def bench(json: JsonOption = False) -> int:
    """Measure what a delivery costs here.

    Deliveries through the sandbox are measured beside other ways to run the same code, in one run.
    It takes some seconds. Times are in nanoseconds per event, on this machine, now: compare the
    ratios. A subject whose package is not installed is left out and says so.
    """
    from wasmhost.bench import run_bench
    from wasmhost.cli.logs import configure_logs

    configure_logs(LogLevel.ERROR)
    if not terminal(sys.stderr).plain:
        say("measuring, for some seconds …\n")
    figures = run_bench()
    if json:
        put(json_format.dumps(figures.as_json(), allow_nan=False) + "\n")
    else:
        put(_table(figures, terminal(sys.stdout)))
    return 0


def _table(figures: "Figures", screen: Terminal) -> str:
    from wasmhost.cli.tables import Cell, Column, table

    columns = (Column("what", least=20), Column("per event", "right"), Column("beside", drop=1))
    rows = [(Cell(row.label), Cell(_time(row.ns), "bold"), Cell(row.ratio)) for row in figures.rows()]
    versions = ", ".join(f"{name} {version}" for name, version in figures.versions.items() if version)
    return table(columns, rows, screen) + versions + "\n"


def _time(ns: float | None) -> str:
    """Three digits are what such a measurement is worth."""
    if ns is None:
        return "-"
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"
