"""What processes cost beside threads, what a second one brings, and how soon a dead one is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import wasmtime

from wasmhost.bench.emitting import an_event
from wasmhost.bench.subjects import GUEST_WAT
from wasmhost.config import HostConfig, ObserverDefaults
from wasmhost.config.model import DEFAULT_GRANT, GRANTABLE_FIELDS
from wasmhost.errors import InternalError
from wasmhost.host.host import ObserverHost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.contract.records import RuntimeContext, WebRtcConnected

_OBSERVERS: Final = 8
_EVENTS: Final = 20_000
_ROUNDS: Final = 5
_AHEAD: Final = 500  # events emitted before those emitted have to be delivered
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_KILLS: Final = 7
_POLL_S: Final = 0.0005


@dataclass(frozen=True, slots=True)
class ShardFigures:
    """Microseconds a delivery: on the clock, and of processor time of all processes; medians of rounds.

    ``…_rate_per_core``: deliveries in a second of processor time, beside those in threads. ``recovery_ms``:
    from the killing of a shard until its observers are served again, in milliseconds.
    """

    threads_us: float
    threads_processor_us: float
    one_shard_us: float
    one_shard_processor_us: float
    two_shards_us: float
    two_shards_processor_us: float
    one_shard_rate_per_core_beside_threads: float
    two_shards_beside_one: float
    recovery_ms: float
    recovery_worst_ms: float

    def as_json(self) -> dict[str, float]:
        """Give the keys of ``wasmhost bench --shards --json``."""
        return asdict(self)


class _Cost(NamedTuple):
    wall_us: float
    processor_us: float


def run_shards() -> ShardFigures:
    """Measure everything; takes some thirty seconds."""
    found: dict[int, list[_Cost]] = {0: [], 1: [], 2: []}
    for _ in range(_ROUNDS):  # in turn, so that a machine that changes its mind changes it for all
        for shards, costs in found.items():
            costs.append(asyncio.run(_round(shards)))
    threads, one, two = (_Cost(*map(median, zip(*costs, strict=True))) for costs in found.values())
    recoveries = asyncio.run(_recoveries())
    return ShardFigures(
        threads.wall_us,
        threads.processor_us,
        one.wall_us,
        one.processor_us,
        two.wall_us,
        two.processor_us,
        one_shard_rate_per_core_beside_threads=threads.processor_us / one.processor_us,
        two_shards_beside_one=one.wall_us / two.wall_us,
        recovery_ms=median(recoveries),
        recovery_worst_ms=max(recoveries),
    )


def _configured(folder: str, shards: int) -> HostConfig:
    """Eight small observers that may see all: what is measured is the way, not the disguise."""
    module = Path(folder, "guest.wasm")
    module.write_bytes(wasmtime.wat2wasm(GUEST_WAT))
    defaults = replace(ObserverDefaults(), mailbox=2 * _EVENTS, grant=DEFAULT_GRANT | GRANTABLE_FIELDS)
    observers = tuple(defaults.observer(f"bench-{number}", module) for number in range(_OBSERVERS))
    isolation: Literal["thread", "process"] = "process" if shards else "thread"
    reports = str(Path(folder, "reports"))
    return HostConfig(observers, db=None, reports=reports, isolation=isolation, shards=shards or None)


async def _round(shards: int) -> _Cost:
    emitted = [an_event(number) for number in range(_EVENTS)]
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as folder:
        async with ObserverHost(_configured(folder, shards)) as host:
            await _emit(host, emitted[:1000])
            before, begun = _processor_s(host), time.perf_counter()
            await _emit(host, emitted)
            wall, spent = time.perf_counter() - begun, _processor_s(host) - before
            lines = host.summary().observers
    if any(line.delivered != _EVENTS + 1000 for line in lines):
        raise InternalError("not every event was delivered to every observer")
    each = 1e6 / (_EVENTS * _OBSERVERS)
    return _Cost(wall * each, spent * each)


async def _emit(host: ObserverHost, emitted: Sequence[tuple[WebRtcConnected, RuntimeContext]]) -> None:
    """Emit as fast as it is delivered: never more ahead than a node's burst would be."""
    for number, (event, ctx) in enumerate(emitted):
        host.emit(event, ctx)
        if number % _AHEAD == _AHEAD - 1:
            # Polled, and not in a hurry: a loop that turned all the time would be the third on two cores.
            while host.waiting > _AHEAD * _OBSERVERS:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    await host.drain()


def _processor_s(host: ObserverHost) -> float:
    """Processor time so far of this process and the shards."""
    return time.process_time() + sum(map(_spent_s, host.shard_pids))


def _spent_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


async def _recoveries() -> list[float]:
    """Milliseconds from each of some kills until an event that was emitted right behind it is delivered."""
    found: list[float] = []
    event, ctx = an_event(0)
    with tempfile.TemporaryDirectory(prefix="wasmhost-bench-") as folder:
        async with ObserverHost(_configured(folder, 1)) as host:
            for _ in range(_KILLS):
                host.emit(event, ctx)
                await host.drain()
                (pid,) = host.shard_pids
                begun = time.perf_counter()
                os.kill(pid, signal.SIGKILL)
                host.emit(event, ctx)
                await host.drain()
                found.append((time.perf_counter() - begun) * 1e3)
    return found
