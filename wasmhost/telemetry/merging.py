"""Several hosts of a process as one: an observer that is in each of them is one observer in the metrics.

Else each host would have its own labels, and there may be as many as there are partitions.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final, Protocol

from wasmhost.host.counters import Suppressed
from wasmhost.host.hook_tally import Histogram, HookCounts
from wasmhost.host.snapshot import HostSnapshot, ObserverSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.host.counters import ObserverSummary
    from wasmhost.host.snapshot import ShardSnapshot


class Watched(Protocol):
    """What of a host is looked at."""

    def snapshot(self) -> HostSnapshot:
        """How it is."""
        ...

    @property
    def shards(self) -> tuple[ShardSnapshot, ...]:
        """How its shards are."""
        ...


NOTHING: Final = HostSnapshot(0, 0, ())
# The worse comes first: what is told of several is the worst that there is.
_WORST: Final = ("failed", "quarantined", "running", "refused", "removed")


class Merger:
    """The hosts that are watched. Safe from any thread."""

    def __init__(self) -> None:
        self._hosts: tuple[Watched, ...] = ()
        self._gone = NOTHING  # what those counted that are not watched any more
        self._lock = threading.Lock()

    def add(self, host: Watched) -> None:
        """Watch a host, too."""
        with self._lock:
            self._hosts = (*self._hosts, host)

    def remove(self, host: Watched) -> None:
        """Watch it no more; a counter must not fall for it."""
        with self._lock:
            if host in self._hosts:
                self._hosts = tuple(other for other in self._hosts if other is not host)
                self._gone = merged(self._gone, _only_counted(host.snapshot()))

    def snapshot(self) -> HostSnapshot:
        """How they are, together."""
        with self._lock:
            hosts, gone = self._hosts, self._gone
        return reduce(merged, (host.snapshot() for host in hosts), gone)

    def shards(self) -> tuple[ShardSnapshot, ...]:
        """How their shards are."""
        return tuple(shard for host in self._hosts for shard in host.shards)


def merged(one: HostSnapshot, other: HostSnapshot) -> HostSnapshot:
    """Sum up two hosts."""
    if one is NOTHING:
        return other
    observers = {observer.summary.name: observer for observer in one.observers}
    for observer in other.observers:
        name = observer.summary.name
        known = observers.get(name)
        observers[name] = observer if known is None else _observer(known, observer)
    return HostSnapshot(
        one.events + other.events,
        one.rejected + other.rejected,
        tuple(observers.values()),
        (*one.shards, *other.shards),
    )


def _only_counted(host: HostSnapshot) -> HostSnapshot:
    observers = (
        replace(observer, waiting=0, summary=replace(observer.summary, quarantined=(), state="removed"))
        for observer in host.observers
    )
    return replace(host, observers=tuple(observers), shards=())


def _observer(one: ObserverSnapshot, other: ObserverSnapshot) -> ObserverSnapshot:
    hooks = dict(one.hooks)
    for hook, counts in other.hooks.items():
        hooks[hook] = _hook(hooks[hook], counts) if hook in hooks else counts
    return ObserverSnapshot(
        _summary(one.summary, other.summary),
        hooks,
        one.waiting + other.waiting,
        one.restarts + other.restarts,
        one.restarts_failed + other.restarts_failed,
        one.state_refused + other.state_refused,
    )


def _summary(one: ObserverSummary, other: ObserverSummary) -> ObserverSummary:
    metrics = Counter(dict(one.metrics))
    metrics.update(dict(other.metrics))
    suppressed = (
        getattr(one.suppressed, name) + getattr(other.suppressed, name) for name in Suppressed.__slots__
    )
    return replace(
        other,
        module_sha256=other.module_sha256 or one.module_sha256,
        state=min(one.state, other.state, key=_WORST.index),
        delivered=one.delivered + other.delivered,
        skipped=one.skipped + other.skipped,
        panics=one.panics + other.panics,
        dropped=one.dropped + other.dropped,
        fuel=None,
        logs=one.logs + other.logs,
        logs_dropped=one.logs_dropped + other.logs_dropped,
        reports=one.reports + other.reports,
        reports_dropped=one.reports_dropped + other.reports_dropped,
        quarantined=tuple(sorted({*one.quarantined, *other.quarantined})),
        metrics=tuple(sorted(metrics.items())),
        suppressed=Suppressed(*suppressed),
    )


def _hook(one: HookCounts, other: HookCounts) -> HookCounts:
    return HookCounts(
        one.skipped + other.skipped,
        one.disguised + other.disguised,
        _sums(one.panics, other.panics),
        _sums(one.dropped, other.dropped),
        _histogram(one.fuel, other.fuel),
        _histogram(one.time_ns, other.time_ns),
    )


def _sums(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _histogram(one: Histogram, other: Histogram) -> Histogram:
    return Histogram(one.bounds, tuple(map(add, one.counts, other.counts)), one.sum + other.sum)
