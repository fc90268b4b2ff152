"""Metrics: what is exported is what the summary says, in whatever words, in threads and in processes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.openmetrics import parser as openmetrics

from tests.host.helpers import CONNECTED, CTX, PEER, MemorySink, config, event, guest, quiet
from tests.telemetry.helpers import by_key, everything, happen, series, total, value
from wasmhost import ObserverHost, WebRtcConnected
from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.host.effects import MAX_METRICS
from wasmhost.host.hook_tally import DROP_REASONS, PANIC_KINDS, HookTally
from wasmhost.telemetry import catalog as c
from wasmhost.telemetry.points import points
from wasmhost.telemetry.prometheus import PrometheusPage
from wasmhost.telemetry.telemetry import Telemetry, open_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wasmhost.telemetry.points import Point

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[ObserverHost, Telemetry]]:
    """Run a host in which everything happens, watched."""
    telemetry = Telemetry(TelemetryConfig())
    host = ObserverHost(everything(folder), sink=MemorySink())
    telemetry.watch(host)
    async with host:
        telemetry.ready()
        await happen(host)
        yield host, telemetry


def page(telemetry: Telemetry, accept: str = "") -> str:
    """Have it written."""
    return PrometheusPage(telemetry.points).write(accept).body.decode()


async def test_counts_are_those_of_the_summary(tmp_path: Path, isolation: str) -> None:
    """For each observer: by its outcomes, and by hooks, kinds and reasons once more."""
    assert isolation
    async with running(tmp_path) as (host, telemetry):
        found = series(page(telemetry))
        summary = host.summary()
    assert value(found, "wasmhost_events_accepted_total") == summary.events == 10
    for line in summary.observers:
        name = {"observer": line.name}
        outcomes = [
            value(found, "wasmhost_observer_events_total", outcome=outcome, **name)
            for outcome in ("delivered", "panicked", "skipped", "dropped")
        ]
        assert outcomes == [line.delivered, line.panics, line.skipped, line.dropped]
        assert sum(outcomes) == summary.events
        assert total(found, "wasmhost_hook_delivered_total", **name) == line.delivered
        assert total(found, "wasmhost_hook_duration_seconds_count", **name) == line.delivered
        assert total(found, "wasmhost_hook_fuel_count", **name) == line.delivered
        assert total(found, "wasmhost_hook_panics_total", **name) == line.panics
        assert total(found, "wasmhost_hook_dropped_total", **name) == line.dropped
        assert value(found, "wasmhost_observer_state", state=line.state, **name) == 1
        assert total(found, "wasmhost_observer_state", **name) == 1
        assert value(found, "wasmhost_observer_mailbox_depth", **name) == 0
        assert value(found, "wasmhost_observer_logs_total", outcome="written", **name) == line.logs
        assert value(found, "wasmhost_observer_logs_total", outcome="dropped", **name) == line.logs_dropped


async def test_each_mishap_is_told_by_its_name(tmp_path: Path, isolation: str) -> None:
    """What trapped how, what was dropped why, who is in quarantine, and who saw events in disguise."""
    assert isolation
    async with running(tmp_path) as (_host, telemetry):
        found = series(page(telemetry))
    hook = {"hook": CONNECTED}
    assert value(found, "wasmhost_hook_panics_total", observer="trapper", kind="unreachable", **hook) == 8
    assert value(found, "wasmhost_hook_panics_total", observer="greedy", kind="out_of_fuel", **hook) == 8
    assert value(found, "wasmhost_hook_panics_total", observer="shut", kind="unreachable", **hook) == 2
    assert value(found, "wasmhost_hook_skipped_total", observer="shut", **hook) == 6
    assert value(found, "wasmhost_hook_quarantined", observer="shut", **hook) == 1
    assert value(found, "wasmhost_hook_quarantined", observer="trapper", **hook) == 0
    assert value(found, "wasmhost_hook_dropped_total", observer="small", reason="too_large", **hook) == 1
    assert value(found, "wasmhost_hook_disguised_total", observer="masked", **hook) == 8
    assert value(found, "wasmhost_hook_disguised_total", observer="well", **hook) == 0
    assert value(found, "wasmhost_observer_restarts_total", observer="trapper", outcome="ok") >= 7
    assert value(found, "wasmhost_observer_restarts_total", observer="trapper", outcome="failed") == 0
    assert value(found, "wasmhost_observer_suppressed_total", observer="chatty", what="logs") == 7
    assert value(found, "wasmhost_guest_metric", observer="chatty", name=r'a\x00"\b') == 2.5


async def test_histograms_add_up(tmp_path: Path, isolation: str) -> None:
    """Buckets grow to the count, and the sum of fuel is exactly what was spent."""
    assert isolation
    async with running(tmp_path) as (host, telemetry):
        found = series(page(telemetry))
        fuel = host.counters()["well"].fuel
    name = {"observer": "well", "hook": CONNECTED}
    for metric in ("wasmhost_hook_fuel", "wasmhost_hook_duration_seconds"):
        counts = [
            each
            for (other, labels), each in found.items()
            if other == f"{metric}_bucket" and name.items() <= dict(labels).items()
        ]
        assert counts == sorted(counts)
        assert counts[-1] == value(found, f"{metric}_count", **name) == 8
    assert total(found, "wasmhost_hook_fuel_sum", observer="well") == fuel.sum > 0
    assert 0 < total(found, "wasmhost_hook_duration_seconds_sum", observer="well") < 60


async def test_shards_are_told_of(tmp_path: Path, isolation: str) -> None:
    """Whether they serve, how often they died, and what they have in memory; threads have none."""
    async with running(tmp_path) as (_host, telemetry):
        found = series(page(telemetry))
    if isolation == "thread":
        assert total(found, "wasmhost_shard_up") == 0
        return
    assert value(found, "wasmhost_shard_up", shard="shard 1") == 1
    assert value(found, "wasmhost_shard_deaths_total", shard="shard 1") == 0
    assert value(found, "wasmhost_shard_memory_bytes", shard="shard 1") > 1 << 20


async def test_openmetrics_says_the_same(tmp_path: Path) -> None:
    """For who accepts it; its parser is strict about the order and the names of series."""
    async with running(tmp_path) as (_host, telemetry):
        text = page(telemetry, OPENMETRICS)
        families = list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
        old = series(page(telemetry))
    samples = {(sample.name, *sorted(sample.labels.items())) for each in families for sample in each.samples}
    missing = {(name, *sorted(labels)) for name, labels in old if name.startswith("wasmhost_")} - samples
    assert not missing


async def test_opentelemetry_says_the_same(tmp_path: Path, isolation: str) -> None:
    """By its names; histograms as sums and counters of buckets, as its API has none that are asked for."""
    assert isolation
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    async with open_telemetry(TelemetryConfig(), meter_provider=provider) as telemetry:
        host = ObserverHost(everything(tmp_path), sink=MemorySink())
        telemetry.watch(host)
        async with host:
            await happen(host)
            told = read(reader)
            expected = by_key(points(host.snapshot()))
        again = read(reader)
    provider.shutdown()
    changing = {c.SHARD_MEMORY, c.MAILBOX}
    for (name, labels), point in expected.items():
        if point.metric.kind != "histogram" and point.metric not in changing:
            assert told[name, attributes(point)] == point.value, (name, labels)
    assert told["wasmhost.events.accepted", frozenset()] == 10
    assert again["wasmhost.events.accepted", frozenset()] == 10
    hook = {"wasmhost.observer.name": "well", "wasmhost.hook.name": CONNECTED}
    assert told["wasmhost.hook.fuel.sum", frozenset(hook.items())] > 0
    assert told["wasmhost.hook.fuel.bucket", frozenset((hook | {"wasmhost.bucket.le": "+Inf"}).items())] == 8


def attributes(point: Point) -> frozenset[tuple[str, str]]:
    """Give a point's attributes as OpenTelemetry has them."""
    named = zip(point.metric.labels, point.labels, strict=True)
    return frozenset((c.LABELS[name], label) for name, label in named)


def read(reader: InMemoryMetricReader) -> dict[tuple[str, frozenset[tuple[str, Any]]], float]:
    """Collect, and give each series' value."""
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "wasmhost"
    found: dict[tuple[str, frozenset[tuple[str, Any]]], float] = {}
    for metric in scope.metrics:
        for point in metric.data.data_points:
            key = metric.name, frozenset((point.attributes or {}).items())
            assert key not in found
            found[key] = point.value  # type: ignore[union-attr] # there are no histograms among them
    return found


async def test_a_hostile_guest_makes_no_more_series_than_it_may(tmp_path: Path, isolation: str) -> None:
    """It gauges under ever new names; and sources name ever new hooks."""
    assert isolation
    # The name is 8 bytes at 2049: the event's number.
    gauging = "(call $number (call $sequence)) (call $gauge (i32.const 2049) (i32.const 8) (f64.const 1))"
    module = guest({CONNECTED: gauging})
    async with ObserverHost(config(tmp_path, {"hostile": module}), sink=MemorySink()) as host:
        for seq in range(2 * MAX_METRICS):
            await host.feed(event(CONNECTED, seq))
            await host.feed(event(f"on_no_hook_{seq}", seq, src="other"))
        await host.drain()
        found = by_key(points(host.snapshot()))
        assert len(host._dispatcher._tally.of) == 2
    names = [labels for metric, labels in found if metric == c.GUEST.name]
    assert len(names) == MAX_METRICS
    assert found[c.SUPPRESSED.name, ("hostile", "metrics")].value == MAX_METRICS
    assert len(found) < MAX_METRICS + 60


def test_labels_are_enumerations() -> None:
    """Whatever is counted has a label of a short list."""
    tally = HookTally()
    for kind in PANIC_KINDS:
        tally.panicked(kind)
    for reason in DROP_REASONS:
        tally.dropped(reason)
    told = tally.told()
    assert tuple(told.panics) == PANIC_KINDS
    assert tuple(told.dropped) == DROP_REASONS
    with pytest.raises(KeyError):
        tally.panicked("of my own making")
    assert set(c.LABELS) >= {label for metric in c.METRICS for label in metric.labels}


async def test_a_host_that_is_watched_no_more_keeps_its_counts(tmp_path: Path) -> None:
    """A counter never falls: partitions come and go in a process, and are one to who looks."""
    telemetry = Telemetry(TelemetryConfig())
    settings = config(tmp_path, {"well": quiet(CONNECTED)})
    for life in (1, 2):
        hosts = [ObserverHost(settings, sink=MemorySink()) for _ in range(2)]
        async with hosts[0], hosts[1]:
            for host in hosts:
                telemetry.watch(host)
                host.emit(WebRtcConnected(PEER, relayed=False), CTX)
                await host.drain()
            found = series(page(telemetry))
            assert value(found, "wasmhost_events_accepted_total") == 2 * life
            assert value(found, "wasmhost_hook_fuel_count", observer="well", hook=CONNECTED) == 2 * life
            assert value(found, "wasmhost_observer_state", observer="well", state="running") == 1
            for host in hosts:
                telemetry.forget(host)
    found = series(page(telemetry))
    assert value(found, "wasmhost_events_accepted_total") == 4
    assert value(found, "wasmhost_observer_state", observer="well", state="removed") == 1
