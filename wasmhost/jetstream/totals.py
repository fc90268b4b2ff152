"""One summary over all partitions that a host had: those it has, and those it gave away."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

from wasmhost.host.counters import ObserverSummary, Summary, Suppressed
from wasmhost.host.fuel import FuelTally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.host.counters import Counters, ObserverState

_WORST: Final[tuple[ObserverState, ...]] = ("refused", "failed", "quarantined", "running", "removed")
_ADDED: Final = (
    "delivered",
    "skipped",
    "panics",
    "dropped",
    "logs",
    "logs_dropped",
    "reports",
    "reports_dropped",
)


class Totals:
    """Adds up. ``invalid``: reports that turned out to be none, by observer."""

    def __init__(self) -> None:
        self.events = 0
        self.rejected = 0
        self.duplicates = 0
        self._observers: dict[str, ObserverSummary] = {}
        self._fuel: dict[str, FuelTally] = {}

    def add(self, summary: Summary, counters: Mapping[str, Counters], invalid: Counter[str]) -> None:
        """Add what came of one partition. Its counters count no more."""
        self.events += summary.events
        self.rejected += summary.rejected
        for name, each in counters.items():
            self._fuel.setdefault(name, FuelTally()).include(each.fuel)
        for observer in summary.observers:
            lost = invalid[observer.name]
            one = replace(
                observer, reports=observer.reports - lost, reports_dropped=observer.reports_dropped + lost
            )
            before = self._observers.get(observer.name)
            self._observers[observer.name] = one if before is None else _together(before, one)

    def summary(self, names: list[str]) -> Summary:
        """Give the sum; the observers of ``names`` first, then those that are not there any more."""
        lines = [
            replace(line, fuel=self._fuel[name].quantiles() if name in self._fuel else None)
            for name in dict.fromkeys((*names, *self._observers))
            if (line := self._observers.get(name)) is not None
        ]
        return Summary(self.events, self.rejected, tuple(lines), self.duplicates)


def _together(one: ObserverSummary, other: ObserverSummary) -> ObserverSummary:
    metrics = Counter[str]()
    for name, value in (*one.metrics, *other.metrics):
        metrics[name] += value  # type: ignore[assignment] # of a Counter, which may count in floats
    both = replace(
        one,
        module_sha256=other.module_sha256 or one.module_sha256,
        state=min(one.state, other.state, key=_WORST.index),
        reason=one.reason or other.reason,
        quarantined=tuple(sorted({*one.quarantined, *other.quarantined})),
        metrics=tuple(sorted(metrics.items())),
        suppressed=Suppressed(
            *(
                getattr(one.suppressed, item.name) + getattr(other.suppressed, item.name)
                for item in fields(Suppressed)
            )
        ),
    )
    return replace(both, **{name: getattr(one, name) + getattr(other, name) for name in _ADDED})
