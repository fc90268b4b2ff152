"""Treats a pool of hosts badly, and measures one that is left alone: `make fleet`.

    python -m tests.jetstream.run [--events N] [--kills N] [--restarts N] [--seed N]
    python -m tests.jetstream.run --measure [--events N]

Ends with 1 where something was not as it must be; then the hosts' logs are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import shutil
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tests.jetstream.fleet import Plan, carry_out
from tests.jetstream.measure import measure
from tests.nats_server import VERSION, NatsServer

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description="treat a pool of hosts badly, or measure one")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--measure", action="store_true", help="throughput of 1 and 2 hosts, left alone")
    given = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="wasmhost-fleet-"))
    if given.measure:
        _measure(given.events, folder)
        trouble: list[str] = []
    else:
        plan = Plan(given.events, kills=given.kills, restarts=given.restarts, seed=given.seed, patience_s=900)
        trouble = _treat(plan, folder)
    if trouble:
        _say(*trouble[:20], f"the logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if trouble else 0


def _treat(plan: Plan, folder: Path) -> list[str]:
    _say(str(plan))
    began = time.monotonic()
    with _server(folder) as server:
        trouble = asyncio.run(carry_out(plan, server, folder))
    found = f"{len(trouble)} things are wrong" if trouble else "each event had its effect once, in order"
    took = f"{time.monotonic() - began:.0f} s"
    _say(
        f"{plan.events:,} events of {plan.nodes:,} nodes, {plan.kills} hosts killed, "
        f"{plan.restarts} restarts of the server: {found}; {took}"
    )
    return trouble


def _measure(events: int, folder: Path) -> None:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("nats-py", "wasmtime"))
    _say(
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"nats-server {VERSION}, {versions}",
        "",
        "| hosts | observers' work | events | seconds | a second | processor time of hosts, an event |",
        "|---|---|---|---|---|---|",
    )
    for reporting in (True, False):
        for hosts in (1, 2):
            place = folder / f"{hosts}-{reporting}"
            place.mkdir()
            with _server(place) as server:
                found = asyncio.run(measure(events, hosts, server, place, reporting=reporting))
            work = "a report and new state each" if reporting else "none"
            _say(
                f"| {hosts} | {work} | {events:,} | {found.seconds:.1f} | {events / found.seconds:,.0f} | "
                f"{found.processor_s / events * 1e6:.0f} µs |"
            )


def _server(folder: Path) -> NatsServer:
    store = folder / "server"
    store.mkdir()
    return NatsServer(store)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
