"""``wasmhost bench``: what a delivery costs here, beside what else it could cost."""

import json as json_format
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wasmhost.cli.loglevel import LogLevel
from wasmhost.cli.options import JsonOption
from wasmhost.cli.terminal import Terminal, put, say, terminal
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.bench import Figures


def bench(
    json: JsonOption = False,
    isolation: Annotated[
        bool,
        typer.Option("--isolation", help="Measure instead what a bad guest costs its neighbours."),
    ] = False,
    shards: Annotated[
        bool,
        typer.Option(
            "--shards", help="Measure instead what processes cost beside threads, and what they bring."
        ),
    ] = False,
    emit: Annotated[
        bool,
        typer.Option("--emit", help="Measure instead what an emitter costs a node, however its host is."),
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option("--start", metavar="MODULE", help="Measure instead how long a module takes to start."),
    ] = None,
) -> int:
    """Measure what a delivery costs here.

    Deliveries through the sandbox are measured beside other ways to run the same code, in one run.
    Takes some ten seconds. Times are in nanoseconds per event, on this machine, now: compare the
    ratios. A subject whose package is not installed is left out and says so.

    --isolation measures instead the latency of nine observers beside a tenth that spins and without
    it, when a deadline fires on a busy machine, and what sandboxes weigh and leave behind.

    --shards measures instead small events to eight observers in threads, in one process and in two,
    and how long it takes until a process that was killed is replaced.

    --emit measures instead the emitter beside the encoding alone, with a host that is up, down, slow and
    flapping.

    --start measures instead a module's first start, which compiles it, and the next ones, which find
    it in a cache; the cache is a new one, and gone afterwards.
    """
    from wasmhost.cli.logs import configure_logs

    configure_logs(None if isolation or shards else LogLevel.ERROR)
    if isolation + shards + emit + (start is not None) > 1:
        raise ConfigError(
            "--isolation, --shards, --emit and --start measure different things: give one of them"
        )
    if not terminal(sys.stderr).plain:
        say("measuring, for some ten seconds …\n")
    if start is not None:
        put(_starting(start, as_json=json))
    elif emit:
        put(_emitter(as_json=json))
    elif shards:
        put(_shards(as_json=json))
    else:
        put(_isolation(as_json=json) if isolation else _deliveries(as_json=json))
    return 0


def _deliveries(*, as_json: bool) -> str:
    from wasmhost.bench import run_bench

    figures = run_bench()
    if as_json:
        return json_format.dumps(figures.as_json(), allow_nan=False) + "\n"
    return _table(figures, terminal(sys.stdout))


def _isolation(*, as_json: bool) -> str:
    from wasmhost.bench.isolation import run_isolation

    return _named(run_isolation().as_json(), as_json=as_json)


def _shards(*, as_json: bool) -> str:
    from wasmhost.bench.shards import run_shards

    figures = run_shards().as_json()
    return _named({name: round(value, 2) for name, value in figures.items()}, as_json=as_json)


def _emitter(*, as_json: bool) -> str:
    from wasmhost.bench.emitter import run_emitter

    return _named({name: round(value, 2) for name, value in run_emitter().items()}, as_json=as_json)


def _starting(module: Path, *, as_json: bool) -> str:
    from wasmhost.bench.starting import run_starting
    from wasmhost.config import Limits
    from wasmhost.host.loading import read_module

    figures = run_starting(read_module(module, Limits().module_mib)).as_json()
    return _named({name: round(value, 2) for name, value in figures.items()}, as_json=as_json)


def _named(figures: "Mapping[str, float]", *, as_json: bool) -> str:
    from wasmhost.cli.tables import Cell, Column, table

    if as_json:
        return json_format.dumps(figures, allow_nan=False) + "\n"
    columns = (Column("what", least=20), Column("measured", "right"))
    rows = [(Cell(name.replace("_", " ")), Cell(f"{value:,}", "bold")) for name, value in figures.items()]
    return table(columns, rows, terminal(sys.stdout))


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
