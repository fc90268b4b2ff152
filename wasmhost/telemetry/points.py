"""From a snapshot of a host to values of metrics: what both exporters tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.host.counters import ObserverState
from wasmhost.host.effects import MAX_METRICS
from wasmhost.telemetry import catalog as c
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wasmhost.host.hook_tally import Histogram, HookCounts
    from wasmhost.host.snapshot import HostSnapshot, ObserverSnapshot, ShardSnapshot
    from wasmhost.sources.hall import WireCounts
    from wasmhost.telemetry.catalog import Metric

OTHER: Final = "other"
"""Stands for a hook that is none of the contract's, of which there may be any number."""
_STATES: Final[tuple[str, ...]] = get_args(ObserverState)
_NAME_LIMIT: Final = 256
_NS: Final = 1e-9


class Point(NamedTuple):
    """A value of a metric, for these values of its labels."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Histogram


def points(host: HostSnapshot) -> Iterator[Point]:
    """Give all that a snapshot says, observer by observer."""
    yield Point(c.EVENTS, (), host.events)
    yield Point(c.REJECTED, (), host.rejected)
    for observer in host.observers:
        yield from _observer(observer)
    for shard in host.shards:
        yield from _shard(shard)


def source_points(counts: WireCounts) -> Iterator[Point]:
    """Give what a source that listens has counted."""
    yield Point(c.CONNECTIONS, (), counts.open)
    yield Point(c.ACCEPTED, (), counts.accepted)
    yield Point(c.REPEATED, (), counts.repeated)
    for word, count in counts.refused.copy().items():
        yield Point(c.REFUSED, (word,), count)


def _observer(observer: ObserverSnapshot) -> Iterator[Point]:
    line = observer.summary
    name = line.name
    for state in _STATES:
        yield Point(c.OBSERVER_STATE, (name, state), line.state == state)
    if line.state == "refused":
        return
    outcomes = {
        "delivered": line.delivered,
        "panicked": line.panics,
        "skipped": line.skipped,
        "dropped": line.dropped,
    }
    yield from _each(c.OBSERVER_EVENTS, name, outcomes)
    yield Point(c.MAILBOX, (name,), observer.waiting)
    if line.module_sha256 is not None:
        yield from _guest(observer)
    hooks: dict[str, HookCounts | None] = dict.fromkeys(line.quarantined)
    hooks.update(observer.hooks)
    others = False
    for hook, counts in hooks.items():
        known = hook in HOOK_BY_NAME
        if known or not others:
            shown = hook if known else OTHER
            others = others or not known
            yield Point(c.QUARANTINED, (name, shown), hook in line.quarantined)
            if counts is not None:
                yield from _hook(name, shown, counts, guest=line.module_sha256 is not None)


def _guest(observer: ObserverSnapshot) -> Iterator[Point]:
    """What only a sandbox has."""
    line, name = observer.summary, observer.summary.name
    good = observer.restarts - observer.restarts_failed
    yield from _each(c.RESTARTS, name, {"ok": good, "failed": observer.restarts_failed})
    yield from _each(c.LOGS, name, {"written": line.logs, "dropped": line.logs_dropped})
    yield from _each(c.REPORTS, name, {"written": line.reports, "dropped": line.reports_dropped})
    yield Point(c.SAVES_REFUSED, (name,), observer.state_refused)
    beyond = line.suppressed
    things = {
        "logs": beyond.logs,
        "reports": beyond.reports,
        "state": beyond.state,
        "metrics": beyond.metrics,
    }
    yield from _each(c.SUPPRESSED, name, things)
    yield from _each(c.SUPPRESSED_SIZE, name, {"logs": beyond.log_bytes, "reports": beyond.report_bytes})
    # Escaped and bounded where they were made. Once more, as that may have been in a shard that lies: a name
    # that is there twice would spoil the whole page.
    metrics = {escape_untrusted(metric, _NAME_LIMIT): value for metric, value in line.metrics}
    for metric, value in list(metrics.items())[:MAX_METRICS]:
        yield Point(c.GUEST, (name, metric), value)


def _hook(name: str, hook: str, counts: HookCounts, *, guest: bool) -> Iterator[Point]:
    yield Point(c.DELIVERED, (name, hook), counts.delivered)
    for kind, count in counts.panics.items():
        yield Point(c.PANICS, (name, hook, kind), count)
    for reason, count in counts.dropped.items():
        yield Point(c.DROPPED, (name, hook, reason), count)
    yield Point(c.SKIPPED, (name, hook), counts.skipped)
    yield Point(c.DISGUISED, (name, hook), counts.disguised)
    yield Point(c.DURATION, (name, hook), counts.time_ns)
    if guest:
        yield Point(c.FUEL, (name, hook), counts.fuel)


def _shard(shard: ShardSnapshot) -> Iterator[Point]:
    yield Point(c.SHARD_UP, (shard.name,), shard.serving)
    yield Point(c.SHARD_DEATHS, (shard.name,), shard.deaths)
    memory = shard.memory_bytes
    if memory is not None:
        yield Point(c.SHARD_MEMORY, (shard.name,), memory)


def _each(metric: Metric, name: str, values: Mapping[str, int]) -> Iterator[Point]:
    for label, value in values.items():
        yield Point(metric, (name, label), value)


def scale(metric: Metric) -> float:
    """What a histogram's whole numbers are to be multiplied by to be in its metric's unit."""
    return _NS if metric.unit == "s" else 1.0


def buckets(metric: Metric, histogram: Histogram) -> list[tuple[str, int]]:
    """Give a histogram's buckets as Prometheus has them: an upper bound, and how many are not above it."""
    factor = scale(metric)
    total = 0
    found: list[tuple[str, int]] = []
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        total += count
        # Whole numbers less than a bound are up to the one before it. Of nanoseconds nobody minds one.
        found.append((repr(round(bound * factor, 9)) if factor != 1.0 else f"{bound - 1}.0", total))
    return [*found, ("+Inf", histogram.total)]
