"""Spans: of what happens now and then, by the real SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.host.helpers import CONNECTED, CTX, PEER, TRAP, MemorySink, config, guest
from wasmhost import ObserverHost, WebRtcConnected
from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What the process's provider exports."""
    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)  # the real one can be set once only
    yield made
    provider.shutdown()


async def test_loads_reloads_and_panics(
    tmp_path: Path, isolation: str, exporter: InMemorySpanExporter
) -> None:
    """A panic has its words with it; of many alike the 1st, 2nd, 4th and so on are told."""
    assert isolation
    async with ObserverHost(config(tmp_path, {"bad": guest({CONNECTED: TRAP})}), sink=MemorySink()) as host:
        for _ in range(20):
            host.emit(WebRtcConnected(PEER, relayed=False), CTX)
        await host.drain()
    with Telemetry(TelemetryConfig()).reloading():
        pass
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["wasmhost.load", *["wasmhost.panic"] * 5, "wasmhost.reload"]
    load, *panics, _reload = spans
    assert dict(load.attributes or {}) == {"wasmhost.observer": "bad"}
    assert [(span.attributes or {})["wasmhost.panic.count"] for span in panics] == [1, 2, 4, 8, 16]
    assert (panics[0].attributes or {})["error.type"] == "unreachable"
    assert panics[0].status.status_code is trace.StatusCode.ERROR
    (event,) = panics[0].events
    assert "unreachable" in str((event.attributes or {})["exception.message"])
