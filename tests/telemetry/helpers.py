"""A host in which everything that is counted happens, and pages as who scrapes them reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.host.helpers import CONNECTED, CTX, FAST, OK, PEER, SAY, TRAP, config, guest, quiet
from wasmhost import Limits, ObserverHost, Quarantine, Rates, WebRtcConnected
from wasmhost.config.model import DEFAULT_GRANT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wasmhost import HostConfig
    from wasmhost.telemetry.points import Point

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

_GAUGE_OF_A_BAD_NAME = "(call $gauge (i32.const 16) (i32.const 5) (f64.const 2.5))"
_BURN = "(call $burn (i64.const 1000000000))"


def everything(folder: Path) -> HostConfig:
    """Configure observers that deliver, trap, run out of fuel, are in quarantine, or ask for too much."""
    modules = {
        "well": quiet(CONNECTED, "on_start"),
        "trapper": guest({CONNECTED: TRAP, "on_ready": OK}),
        "greedy": guest({CONNECTED: _BURN}),
        "shut": guest({CONNECTED: TRAP}),
        "masked": quiet(CONNECTED),
        "small": quiet(CONNECTED),
        "chatty": guest({CONNECTED: SAY.format(size=4) + _GAUGE_OF_A_BAD_NAME}, text=r"a\00\22\5cb"),
    }
    special = {
        "shut": replace(FAST, quarantine=Quarantine(panics=2, within=3600, probe=3600)),
        "masked": replace(FAST, grant=DEFAULT_GRANT),
        "small": replace(FAST, limits=Limits(event_kib=1)),
        "greedy": replace(FAST, limits=Limits(fuel=100_000)),
        "chatty": replace(FAST, rates=Rates(logs=0.001, burst=1)),
    }
    return config(folder, modules, special=special)


async def happen(host: ObserverHost, events: int = 7) -> None:
    """Have some events delivered."""
    for _ in range(events):
        host.emit(WebRtcConnected(PEER, relayed=False), CTX)
    await host.on_start(CTX)
    await host.on_ready(CTX)
    large = replace(CTX, request_id="x" * 2000)
    host.emit(WebRtcConnected(PEER, relayed=False), large)
    await host.drain()


def series(page: str) -> Series:
    """Read a page of Prometheus' text: the value of each series. Fails where one is there twice."""
    found: Series = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found: Series, metric: str, **labels: str) -> float:
    """Give one series' value."""
    return found[metric, frozenset(labels.items())]


def total(found: Series, metric: str, **labels: str) -> float:
    """Sum up the series that have these labels."""
    wanted = labels.items()
    return sum(
        each for (other, its), each in found.items() if other == metric and wanted <= dict(its).items()
    )


def by_key(points: Iterable[Point]) -> dict[tuple[str, tuple[str, ...]], Point]:
    """Index points by their metric and labels. Fails where one is there twice."""
    found: dict[tuple[str, tuple[str, ...]], Point] = {}
    for point in points:
        key = point.metric.name, point.labels
        assert key not in found, key
        found[key] = point
    return found
