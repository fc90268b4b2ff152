"""What the demonstration shows, in words and a table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from wasmhost.cli.finding import finding
from wasmhost.cli.panic_table import KIND_WORDS
from wasmhost.cli.performance import CAST
from wasmhost.cli.summary import quiet_zero
from wasmhost.cli.tables import Cell, Column, styled, table
from wasmhost.panics import PanicKind
from wasmhost.panics.record import frame_function
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.cli.performance import Performance
    from wasmhost.cli.tables import Row
    from wasmhost.cli.terminal import Terminal
    from wasmhost.host.counters import ObserverSummary
    from wasmhost.panics import PanicRow

_WIDEST: Final = 92  # of running text
_LABEL: Final = 18
_FRAMES: Final = 3
_TEXT_LIMIT: Final = 300


def story(performance: Performance, screen: Terminal) -> str:
    """Return the whole story, the table last."""
    summary = performance.outcome.summary
    teller = _Teller(screen)
    teller.heading("wasmhost demo")
    teller.text(
        f"{summary.events} events that five real Actor-RTC nodes once had, replayed through "
        f"{len(CAST)} untrusted WebAssembly observers, each in a sandbox of its own."
    )
    teller.gap()
    for part in CAST:
        teller.item(part.name, [part.purpose])
    teller.heading("What they reported")
    for report in performance.reports:
        teller.item(report["observer"], [f"{finding(report)} (event {report['seq']})"])
    teller.heading("What went wrong, from the panic log")
    for row in reversed(performance.panics):
        teller.item(row.observer, list(_panic_words(row)), "red")
    teller.heading("Who saw what, and who was isolated")
    teller.text(_moral(summary.events, summary.observers))
    return teller.told() + _table(summary.observers, screen)


class _Teller:
    """Puts words on lines that fit the screen."""

    def __init__(self, screen: Terminal) -> None:
        self._screen = screen
        self._width = min(screen.width or _WIDEST, _WIDEST)
        self._lines: list[str] = []

    def heading(self, text: str) -> None:
        self._lines += [*([""] if self._lines else []), styled(text, "bold", self._screen)]

    def gap(self) -> None:
        self._lines.append("")

    def text(self, text: str) -> None:
        self._lines += textwrap.wrap(text, self._width)

    def item(self, label: str, texts: list[str], style: str = "cyan") -> None:
        """A label and beside it some lines; below it where there is no room beside it."""
        beside = self._width >= 3 * _LABEL
        indent = " " * (2 + _LABEL if beside else 4)
        lines = [line for text in texts for line in textwrap.wrap(text, self._width - len(indent))]
        name = styled(label, style, self._screen)
        if beside:
            self._lines.append(f"  {name}{' ' * max(1, _LABEL - len(label))}{lines.pop(0)}")
        else:
            self._lines.append(f"  {name}")
        self._lines += [indent + line for line in lines]

    def told(self) -> str:
        lines, self._lines = self._lines, []
        return "\n".join(lines) + "\n"


def _panic_words(row: PanicRow) -> Iterator[str]:
    times = "once" if row.count == 1 else f"{row.count:,} times"
    budget = f" of {row.fuel_budget:,} an event" if row.kind is PanicKind.OUT_OF_FUEL else ""
    yield f"{KIND_WORDS[row.kind]}{budget} in {row.hook}, {times}"
    if row.kind is PanicKind.UNREACHABLE:
        yield f"its own words: {escape_untrusted(row.message, _TEXT_LIMIT)}"
    if row.backtrace:
        frames = map(frame_function, row.backtrace[:_FRAMES])
        yield f"where: {escape_untrusted(' < '.join(frames), _TEXT_LIMIT)}"


def _table(observers: tuple[ObserverSummary, ...], screen: Terminal) -> str:
    columns = (
        Column("observer", least=12),
        Column("saw", "right"),
        Column("panics", "right"),
        Column("skipped", "right", drop=2),
        Column("dropped", "right", drop=1),
        Column("reports", "right", drop=3),
        Column("outcome"),
    )
    return table(columns, [_row(observer) for observer in observers], screen)


def _row(observer: ObserverSummary) -> Row:
    return (
        Cell(observer.name, "bold"),
        Cell(str(observer.delivered)),
        quiet_zero(observer.panics, "red"),
        quiet_zero(observer.skipped),
        quiet_zero(observer.dropped, "red"),
        quiet_zero(observer.reports),
        _end(observer),
    )


def _end(observer: ObserverSummary) -> Cell:
    if observer.state == "refused":
        return Cell("refused", "red")
    if observer.quarantined:
        return Cell("quarantined", "yellow")
    if observer.panics:
        return Cell("isolated", "yellow")
    return Cell("fine", "green")


def _moral(events: int, observers: tuple[ObserverSummary, ...]) -> str:
    """Say how the table is to be read, and what it shows, if it does."""
    reading = (
        f"In each line, saw + panics + skipped (not its hooks, or in quarantine) + dropped = {events} events."
    )
    unharmed = [observer for observer in observers if observer.state == "running" and not observer.panics]
    if any(observer.dropped for observer in observers) or not unharmed:
        return reading
    return f"{reading} Nothing was dropped: the {len(unharmed)} good ones heard all that was for them."
