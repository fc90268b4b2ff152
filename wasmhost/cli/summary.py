"""What a run came to: as the JSON that other tools read, and as a table for people."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wasmhost.cli.tables import Cell, Column, Row, table
from wasmhost.text import escape_untrusted, safe_json

if TYPE_CHECKING:
    from wasmhost.cli.terminal import Terminal
    from wasmhost.host.counters import ObserverSummary, Summary
    from wasmhost.host.fuel import FuelSummary

_NAME_LIMIT = 64
STATE_STYLE = {"running": "green", "quarantined": "yellow", "failed": "red", "refused": "red"}


def summary_json(summary: Summary) -> str:
    """Return the one line of JSON that ``run --json`` ends with."""
    return safe_json(
        {
            "events": summary.events,
            "rejected": summary.rejected,
            **({} if summary.duplicates is None else {"duplicates": summary.duplicates}),
            "observers": [_observer_json(observer) for observer in summary.observers],
        }
    )


def _observer_json(observer: ObserverSummary) -> dict[str, Any]:
    if observer.state == "refused":
        return {"name": observer.name, "state": "refused", "reason": observer.reason}
    return {
        "name": observer.name,
        "module_sha256": observer.module_sha256,
        "delivered": observer.delivered,
        "skipped": observer.skipped,
        "panics": observer.panics,
        "dropped": observer.dropped,
        "fuel": None if observer.fuel is None else asdict(observer.fuel),
        "state": observer.state,
        "logs": observer.logs,
        "logs_dropped": observer.logs_dropped,
        "reports": observer.reports,
        "reports_dropped": observer.reports_dropped,
        "quarantined": list(observer.quarantined),
        "metrics": {name: _number(value) for name, value in observer.metrics},
        "suppressed": asdict(observer.suppressed),
    }


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity: those are strings, as in a report's body."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def summary_table(summary: Summary, screen: Terminal) -> str:
    """Return the table for people, under a line with what holds for all observers."""
    columns: tuple[Column, ...] = (
        Column("observer", least=12),
        Column("state"),
        Column("delivered", "right", drop=7),
        Column("skipped", "right", drop=4),
        Column("panics", "right"),
        Column("dropped", "right", drop=6),
        Column("reports", "right", drop=5),
        Column("logs", "right", drop=3),
        Column("fuel p50", "right", drop=2),
        Column("p99", "right", drop=2),
        Column("max", "right", drop=1),
    )
    columns += (Column("suppressed", "right", drop=3),) if _any_suppressed(summary) else ()
    again = f", {summary.duplicates:,} came again" if summary.duplicates else ""
    head = f"{_count(summary.events, 'event')}, {summary.rejected:,} rejected{again}\n"
    return head + table(columns, [_row(observer)[: len(columns)] for observer in summary.observers], screen)


def _row(observer: ObserverSummary) -> Row:
    name = Cell(escape_untrusted(observer.name, _NAME_LIMIT), "bold")
    state = Cell(observer.state, STATE_STYLE[observer.state])
    if observer.state == "refused":
        return (name, state, *(Cell("-", "dim") for _ in range(10)))
    return (
        name,
        state,
        Cell(f"{observer.delivered:,}"),
        quiet_zero(observer.skipped),
        quiet_zero(observer.panics, "red"),
        quiet_zero(observer.dropped, "yellow"),
        quiet_zero(observer.reports),
        quiet_zero(observer.logs),
        *_fuel_cells(observer.fuel),
        quiet_zero(observer.suppressed.things, "yellow"),
    )


def _any_suppressed(summary: Summary) -> bool:
    """Whether there is need of a column for it: most runs have nothing to put into one."""
    return any(observer.suppressed.things for observer in summary.observers)


def quiet_zero(count: int, style: str = "") -> Cell:
    """Return a count, in ``style`` where there is something to see and dim where it is 0."""
    return Cell(f"{count:,}", style if count else "dim")


def _fuel_cells(fuel: FuelSummary | None) -> tuple[Cell, Cell, Cell]:
    if fuel is None:
        return Cell("-", "dim"), Cell("-", "dim"), Cell("-", "dim")
    return Cell(f"{fuel.p50:,}"), Cell(f"{fuel.p99:,}"), Cell(f"{fuel.max:,}")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
