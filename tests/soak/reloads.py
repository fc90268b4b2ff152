"""Reloads a host's configuration again and again under load: `make reloads`.

    python -m tests.soak.reloads [--reloads N] [--isolation thread|process|both]

Each time one observer is replaced by another module, one has other grants, some come and some go, and one
that is no module is refused. One is always there and the same. Ends with 1 where an event was lost, or what
must not grow has grown.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tests.host.helpers import (
    FAST,
    IN_MEMORY,
    IN_STATE,
    IN_STATE_TENFOLD,
    MemorySink,
    event,
    quiet,
    recorder,
)
from tests.soak.samples import Household
from tests.soak.verdict import trend
from wasmhost.config import HostConfig
from wasmhost.host.host import ObserverHost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.verdict import Trend
    from wasmhost.config import ObserverConfig
    from wasmhost.config.model import Isolation
    from wasmhost.host.counters import ObserverSummary

_BOTH: Final[tuple[Isolation, ...]] = ("thread", "process")
_BEAT_S: Final = 0.002
_STATEFUL: Final = replace(FAST, grant=FAST.grant | {"state"})
_VISITORS: Final = 7
_NAMES: Final = ("resident_mib", "descriptors", "threads", "processes")


@dataclass(frozen=True, slots=True)
class Reloads:
    """What many reloads came to. ``complaints``: what was lost, in words."""

    isolation: Isolation
    reloads: int
    events: int
    changes: int
    trends: tuple[Trend, ...]
    complaints: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, and nothing grew."""
        return not self.complaints and all(trend.flat for trend in self.trends)


class _Listener(MemorySink):
    """Remembers no more of the reports than how many each observer made, and what was odd."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = {"always": 0, "replaced": 0}
        self.odd: list[str] = []

    async def write(self, batch: Sequence[object]) -> None:
        """Look at a batch."""
        await super().write(batch)  # type: ignore[arg-type]  # they are records
        for name in self.counted:
            for count in self.bodies(name):
                self.counted[name] += 1
                if count not in {self.counted[name], 10 * self.counted[name]} and len(self.odd) < 10:
                    self.odd.append(f"{name} counted {count} where it was {self.counted[name]}")
        self.records.clear()


async def reload_often(isolation: Isolation, reloads: int) -> Reloads:
    """Do it."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    listener = _Listener()
    changes = events = 0
    looks: list[tuple[float, ...]] = []
    over = False
    with tempfile.TemporaryDirectory(prefix="wasmhost-reloads-") as name:
        folder = Path(name)
        _write_modules(folder)
        first = HostConfig(
            _observers(folder, 0), db=folder / "w.db", isolation=isolation, shards=2, drain_s=10
        )
        household = Household(folder / "w.db")
        async with ObserverHost(first, sink=listener) as host:

            async def emit() -> None:
                nonlocal events
                while not over:
                    await host.feed(event(seq=events))
                    events += 1
                    await asyncio.sleep(_BEAT_S)

            emitting = asyncio.create_task(emit())
            for number in range(1, reloads + 1):
                done = await host.reload(replace(first, observers=_observers(folder, number)))
                changes += len(done.added) + len(done.replaced) + len(done.removed)
                if set(done.refused) != {"bad"}:
                    listener.odd.append(f"reload {number} refused {dict(done.refused)}")
                looks.append(household.look()[: len(_NAMES)])
            over = True
            await emitting
            await host.drain()
        complaints = [*listener.odd, *host.failures, *_lost(host.summary().observers, listener, events)]
    trends = tuple(trend(name, [look[at] for look in looks]) for at, name in enumerate(_NAMES))
    return Reloads(isolation, reloads, events, changes, trends, tuple(complaints))


def _write_modules(folder: Path) -> None:
    modules = {
        "always": IN_MEMORY,
        "odd": IN_STATE,
        "even": IN_STATE_TENFOLD,
        "recorder": recorder(),
        "quiet": quiet(),
        "bad": b"no module",
    }
    for name, module in modules.items():
        (folder / f"{name}.wasm").write_bytes(module)


def _observers(folder: Path, number: int) -> tuple[ObserverConfig, ...]:
    """Whom the configuration of this number names."""
    regranted = replace(FAST, grant=FAST.grant - ({"peer"} if number % 2 else {"self"}))
    visitors = [f"visitor-{(number + more) % _VISITORS}" for more in range(3)]
    return (
        FAST.observer("always", folder / "always.wasm"),
        _STATEFUL.observer("replaced", folder / ("odd.wasm" if number % 2 else "even.wasm")),
        regranted.observer("regranted", folder / "recorder.wasm"),
        *(FAST.observer(name, folder / "quiet.wasm") for name in visitors),
        FAST.observer("bad", folder / "bad.wasm"),
    )


def _lost(lines: Sequence[ObserverSummary], listener: _Listener, events: int) -> list[str]:
    """What of the events is not accounted for, or did not reach those who were there all the time."""
    found: list[str] = []
    for line in lines:
        if line.state == "refused":
            continue
        if line.delivered + line.panics + line.skipped + line.dropped != events:
            found.append(f"the counts of {line.name} do not add up to {events}")
        if line.panics or line.dropped:
            found.append(f"{line.name} has {line.panics} panics, and {line.dropped} dropped")
        if line.name in {"always", "replaced", "regranted"} and line.delivered != events:
            found.append(f"{line.name} heard {line.delivered} of {events} events")
    found += [
        f"{name} told of {count} of {events}" for name, count in listener.counted.items() if count != events
    ]
    return found


def page(run: Reloads) -> str:
    """What it came to, for people."""
    rows = [
        f"  {found.name:14} {found.earlier:10,g} {found.later:10,g} {found.most:10,.4g}"
        f"  {'flat' if found.flat else 'GREW'}"
        for found in run.trends
    ]
    head = (
        f"{run.isolation}: {run.reloads:,} reloads ({run.changes:,} observers came, went or were replaced) "
        f"while {run.events:,} events came: {'nothing lost' if not run.complaints else 'NOT AS IT MUST BE'}"
    )
    legend = f"  {'':14} {'2nd quarter':>10} {'last':>10} {'allowed':>10}"
    return "\n".join((head, legend, *rows, *run.complaints))


def main(argv: Sequence[str] | None = None) -> int:
    """Reload, one way of isolation after the other."""
    parser = argparse.ArgumentParser(description="reload a configuration many times under load")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--isolation", choices=(*_BOTH, "both"), default="both")
    given = parser.parse_args(argv)
    runs: list[Reloads] = []
    for isolation in _BOTH:
        if given.isolation in {isolation, "both"}:
            runs.append(asyncio.run(reload_often(isolation, given.reloads)))
            sys.stdout.write(page(runs[-1]) + "\n\n")
            sys.stdout.flush()
    return 0 if all(run.passed for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
