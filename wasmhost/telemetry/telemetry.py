"""The telemetry of a process: which hosts are watched, who is told, and for how long.

Whoever runs a host opens it (`open_telemetry`), and says how far the host is. It is one for the process, as
an address to listen on is, and so are OpenTelemetry's instruments.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from importlib import metadata
from typing import TYPE_CHECKING, Final

from wasmhost.host.mishaps import tell_operator
from wasmhost.telemetry import catalog as c
from wasmhost.telemetry.health import Health
from wasmhost.telemetry.http import Answer, WebServer
from wasmhost.telemetry.merging import Merger
from wasmhost.telemetry.notify import ServiceManager
from wasmhost.telemetry.points import Point, points, source_points
from wasmhost.telemetry.spans import anybody_listens, span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from opentelemetry.metrics import MeterProvider

    from wasmhost.config.telemetry import TelemetryConfig
    from wasmhost.sources.hall import WireCounts
    from wasmhost.telemetry.health import Readiness
    from wasmhost.telemetry.http import Request
    from wasmhost.telemetry.merging import Watched
    from wasmhost.telemetry.prometheus import PrometheusPage

_PULSE_S: Final = 1.0
_LAG_KEPT: Final = 60  # pulses


class Telemetry:
    """What a process tells of its hosts. All but `points` is for the event loop's thread."""

    def __init__(self, config: TelemetryConfig, manager: ServiceManager | None = None) -> None:
        self.manager = manager or ServiceManager()
        self.health = Health(config.shard_down_s)
        self.version = metadata.version("wasmhost")
        self.address: str | None = None
        """Where it is served, once it is."""
        self._hosts = Merger()
        self._source: WireCounts | None = None
        self._born = time.monotonic()
        self._lags = [0.0] * _LAG_KEPT

    # How far the host is.

    def watch(self, host: Watched) -> None:
        """Tell of a host, too; what several have of the same name is summed up."""
        self._hosts.add(host)

    def forget(self, host: Watched) -> None:
        """Tell of a host no more, but for what it has counted so far."""
        self._hosts.remove(host)

    def watch_source(self, counts: WireCounts) -> None:
        """Tell of the connections of a source that listens, too."""
        self._source = counts

    def ready(self, status: str = "") -> None:
        """The observers are loaded, and the source is open."""
        self.health.phase = "running"
        self.manager.ready(status)

    def stopping(self) -> None:
        """No more events are taken. May be called again."""
        if self.health.phase != "draining":
            self.health.phase = "draining"
            self.manager.stopping("draining")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """The configuration is read anew within this block: the service manager knows, and it is a span."""
        self.manager.reloading()
        try:
            with span("wasmhost.reload"):
                yield
        finally:
            self.manager.ready()

    # What is told.

    def readiness(self) -> Readiness:
        """Whether the hosts are ready, and why not. From any thread."""
        return self.health.readiness(self._hosts.snapshot(), time.monotonic())

    def points(self) -> Iterator[Point]:
        """All values as they are now. From any thread."""
        now = time.monotonic()
        host = self._hosts.snapshot()
        yield Point(c.BUILD, (self.version,), 1)
        yield Point(c.UPTIME, (), now - self._born)
        yield Point(c.READY, (), self.health.readiness(host, now).ready)
        yield Point(c.LOOP_LAG, (), max(self._lags))
        if self._source is not None:
            yield from source_points(self._source)
        yield from points(host)

    async def pulse(self) -> None:
        """Look after it all, every second, or as often as the service manager wants to hear of us."""
        watchdog_s = self.manager.watchdog_s
        every_s = _PULSE_S if watchdog_s is None else min(_PULSE_S, watchdog_s / 2)
        while True:
            if watchdog_s is not None:
                self.manager.alive()
            due = time.monotonic() + every_s
            await asyncio.sleep(every_s)
            now = time.monotonic()
            self._lags = [*self._lags[1:], max(0.0, now - due)]
            self.health.look(self._hosts.shards(), now)


@asynccontextmanager
async def open_telemetry(
    config: TelemetryConfig,
    *,
    manager: ServiceManager | None = None,
    meter_provider: MeterProvider | None = None,
) -> AsyncIterator[Telemetry]:
    """Tell within this block what goes on in the hosts that are watched.

    ``manager``: the service manager, by default whoever our environment names. ``meter_provider``: whose
    instruments to make, by default the process's own.

    :raises UserError: the address to listen on is not to be had.
    """
    telemetry = Telemetry(config, manager)
    if meter_provider is not None or anybody_listens():
        # Not above: the API alone takes a tenth of a second to load, and does nothing.
        from wasmhost.telemetry.otel import instrument

        instrument(telemetry.points, telemetry.version, meter_provider)
    async with AsyncExitStack() as stack:
        if config.listen is not None:
            server = await stack.enter_async_context(_server(config, telemetry))
            telemetry.address = str(server.address)
            tell_operator("info", "serving telemetry", address=telemetry.address)
            if not config.listen.loopback:
                tell_operator("warning", "telemetry is served beyond this machine", address=telemetry.address)
        pulse = asyncio.create_task(telemetry.pulse(), name="wasmhost-pulse")
        stack.callback(pulse.cancel)
        yield telemetry


def _server(config: TelemetryConfig, telemetry: Telemetry) -> WebServer:
    # Not above: who serves nothing need not wait for it to be loaded.
    from wasmhost.telemetry.prometheus import PrometheusPage

    assert config.listen is not None  # noqa: S101 - our caller looked
    pages = _Pages(telemetry, PrometheusPage(telemetry.points))
    return WebServer(
        config.listen, {"/metrics": pages.metrics, "/healthz": pages.health, "/readyz": pages.readiness}
    )


class _Pages:
    def __init__(self, telemetry: Telemetry, page: PrometheusPage) -> None:
        self._telemetry = telemetry
        self._page = page
        self._writing = asyncio.Lock()

    async def metrics(self, request: Request) -> Answer:
        """All metrics; written on a thread, as that may take long, and one at a time."""
        accept = request.headers.get("accept", "")
        async with self._writing:
            content_type, body = await asyncio.to_thread(self._page.write, accept)
        return Answer(HTTPStatus.OK, content_type, body)

    async def health(self, _request: Request) -> Answer:
        """The process is there, and its event loop turns: else nobody would answer."""
        return Answer.json(HTTPStatus.OK, {"alive": True, "version": self._telemetry.version})

    async def readiness(self, _request: Request) -> Answer:
        """Whether events find their way."""
        readiness = self._telemetry.readiness()
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"ready": readiness.ready, "phase": self._telemetry.health.phase, "why_not": readiness.why_not}
        return Answer.json(status, body)
