"""One soak: a host with all observers, events at a steady pace with bursts, and looks at how it is."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tests.soak.guests import observers
from tests.soak.samples import Household, Listener, Sample
from wasmhost.bench.emitting import an_event
from wasmhost.config import HostConfig
from wasmhost.host.host import ObserverHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, WrappedLogger

    from wasmhost.config.model import Isolation
    from wasmhost.host.counters import ObserverSummary

PER_SECOND: Final = 200
BURST: Final = 50  # at once, every so often: as nodes do when a network comes back
BURST_EVERY_S: Final = 5.0
KILL_EVERY_S: Final = 20.0
_BEAT_S: Final = 0.05
_SAMPLES: Final = 240


@dataclass(frozen=True, slots=True)
class Soak:
    """What a soak came to. ``complaints``: what was not as it must be, but for what grew."""

    isolation: Isolation
    seconds: float
    samples: tuple[Sample, ...]
    observers: tuple[ObserverSummary, ...]
    emitted: int
    log_lines: int
    killed: int
    complaints: tuple[str, ...]


class _Log:
    """Takes the place of the log, which would fill a disk: counts lines, and holds them to their words."""

    def __init__(self) -> None:
        self.lines = 0
        self.raw: list[str] = []

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Look at a line, and drop it."""
        self.lines += 1
        for name, value in event.items():
            if isinstance(value, str) and not value.isprintable() and len(self.raw) < 10:
                self.raw.append(f"{name}={value!r}")
        raise structlog.DropEvent


async def soak(isolation: Isolation, seconds: float) -> Soak:
    """Run it."""
    log = _Log()
    structlog.configure(processors=[log], logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="wasmhost-soak-") as name:
        folder = Path(name)
        everybody = observers(folder, components=isolation == "process")
        well = frozenset(one.name for one in everybody if one.name.startswith("well-"))
        listener = Listener(well)
        config = HostConfig(observers=everybody, db=folder / "soak.db", isolation=isolation, drain_s=10)
        async with ObserverHost(config, sink=listener) as host:
            run = _Run(host, listener, Household(folder / "soak.db"))
            await run.last(seconds)
        summary = {line.name: line for line in host.summary().observers}
    complaints = [*listener.disordered[:10], *(f"in the log: {raw}" for raw in log.raw), *host.failures]
    complaints += [
        f"{name}: {fault}" for name in sorted(well) for fault in _faults(summary[name], listener, run)
    ]
    complaints += [
        f"the counts of {line.name} do not add up to {run.emitted}"
        for line in summary.values()
        if line.delivered + line.panics + line.skipped + line.dropped != run.emitted
    ]
    return Soak(
        isolation,
        seconds,
        tuple(run.samples),
        tuple(summary.values()),
        run.emitted,
        log.lines,
        run.killed,
        tuple(complaints),
    )


def _faults(line: ObserverSummary, listener: Listener, run: _Run) -> Iterator[str]:
    """What one who is well missed. Whose event was in hand when a shard was killed may be blamed for it."""
    if line.panics > run.killed:
        yield f"{line.panics} panics, and {run.killed} shards were killed"
    if line.delivered + line.panics != run.emitted:
        yield f"heard {line.delivered} of {run.emitted} events"
    if line.reports_dropped:
        yield f"{line.reports_dropped} of its reports were dropped"
    if listener.missing[line.name] > line.panics:
        yield f"did not tell of {listener.missing[line.name]} events"
    if listener.seen.get(line.name, -1) + 1 + line.panics < run.emitted:
        yield f"told of {listener.seen.get(line.name, -1) + 1} events and no more, of {run.emitted}"


class _Run:
    """The events of one soak, and the looks in between."""

    def __init__(self, host: ObserverHost, listener: Listener, household: Household) -> None:
        self.emitted = self.killed = 0
        self.samples: list[Sample] = []
        self._host = host
        self._listener = listener
        self._household = household

    async def last(self, seconds: float) -> None:
        """Emit for so long."""
        begun = time.monotonic()
        pause = max(1.0, seconds / _SAMPLES)
        looked = burst = killed = begun
        while (now := time.monotonic()) < begun + seconds:
            wanted = int((now - begun) * PER_SECOND)
            if now >= burst + BURST_EVERY_S:
                burst, wanted = now, max(wanted, self.emitted) + BURST
            self._emit(wanted)
            if now >= killed + KILL_EVERY_S and now < begun + seconds - KILL_EVERY_S / 2:
                killed = now
                self.killed += self._household.kill_a_shard()
            if now >= looked + pause:
                looked = now
                self._look(now - begun)
            await asyncio.sleep(_BEAT_S)

    def _emit(self, up_to: int) -> None:
        while self.emitted < up_to:
            event, ctx = an_event(self.emitted)
            self._host.emit(event, ctx)
            self.emitted += 1

    def _look(self, at_s: float) -> None:
        lines = self._host.summary().observers
        p50, p99 = self._listener.take_latencies()
        resident, descriptors, threads, processes, database = self._household.look()
        self.samples.append(
            Sample(
                round(at_s, 1),
                round(resident, 1),
                descriptors,
                threads,
                processes,
                round(database),
                self.emitted,
                sum(line.delivered for line in lines if line.name in self._listener.well),
                round(p50, 2),
                round(p99, 2),
                sum(line.panics for line in lines),
            )
        )
