"""What nodes do at the door is told as the source counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.sources.helpers import event, hello
from tests.sources.running import Running, at
from wasmhost.config.source import SourceConfig
from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.telemetry.prometheus import PrometheusPage
from wasmhost.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from pathlib import Path


def scraped(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """What /metrics says of sources, by name and word."""
    page = PrometheusPage(telemetry.points).write("").body.decode()
    return {
        (sample.name, sample.labels.get("word", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith("wasmhost_source_")
    }


async def test_connections_are_told_of(tmp_path: Path) -> None:
    """Those there are, those there were, those refused by their word, and what came again."""
    telemetry = Telemetry(TelemetryConfig())
    running = Running(tmp_path / "s", SourceConfig(connections=2))
    async with running, at(running) as node:
        telemetry.watch_source(running.source.counts)
        await node.send(hello("n", ack=True), event(0), event(1))
        await node.acknowledged(1)
        await node.send(event(1), event(2))
        await node.acknowledged(2)
        async with at(running) as other:
            await other.send(hello("bad", ack=True), b"\x1c")
            assert await other.refused() == "malformed"
            async with at(running) as third:
                assert await third.refused() == "full"
        found = scraped(telemetry)
    assert found["wasmhost_source_connections_accepted_total", ""] == 2
    assert found["wasmhost_source_connections_open", ""] >= 1
    assert found["wasmhost_source_events_repeated_total", ""] == 1
    assert found["wasmhost_source_connections_refused_total", "malformed"] == 1
    assert found["wasmhost_source_connections_refused_total", "full"] == 1
