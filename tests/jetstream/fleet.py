"""A pool of hosts under hard treatment: killed, added and stopped at random, with a server that restarts.

`make fleet` runs it with 200,000 events, a test with fewer. What it holds: every event was taken, each node's
in order, and each had its effect once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.cli.helpers import accounted
from tests.jetstream.counting import NODES, counting_guest, counts_in, source_of
from tests.jetstream.helpers import found_count, linked, publish, reports, states
from tests.jetstream.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.jetstream.helpers import Told
    from tests.nats_server import NatsServer
    from wasmhost.jetstream.link import Link

_CHUNK: Final = 2_000
_AGAIN: Final = 100  # one event in so many is published again, under another number


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to a fleet. ``pause_s``: between two blows."""

    events: int
    nodes: int = NODES
    hosts: int = 2
    kills: int = 3
    restarts: int = 1
    pause_s: float = 3.0
    seed: int = 1
    patience_s: float = 120.0


async def carry_out(plan: Plan, server: NatsServer, folder: Path) -> list[str]:
    """Carry a plan out, and give what is wrong with what came of it; nothing, if all is well."""
    counting_guest(folder)
    with Hosts(folder, server.url) as hosts:
        for _ in range(plan.hosts):
            hosts.add()
        async with linked(server) as link:
            publishing = asyncio.create_task(_publish(link, plan))
            await _blows(plan, server, hosts)
            await publishing
            late = await _all_reported(link, plan, hosts)
            summaries = await asyncio.to_thread(hosts.end)
            trouble = [] if not late else [late]
            trouble += wrong_reports(await reports(server), plan)
            trouble += _wrong_states(await states(link), plan)
        trouble += [f"a summary does not add up: {each}" for each in summaries if not accounted(each)]
    return trouble


def _in_chunks(plan: Plan) -> Iterator[list[tuple[int, int]]]:
    events = [(number % plan.nodes, number // plan.nodes) for number in range(plan.events)]
    for first in range(0, len(events), _CHUNK):
        yield events[first : first + _CHUNK]


async def _publish(link: Link, plan: Plan) -> None:
    for chunk in _in_chunks(plan):
        await publish(link, chunk)
        await publish(link, chunk[::_AGAIN], again="again-")


async def _blows(plan: Plan, server: NatsServer, hosts: Hosts) -> None:
    """Kill and add hosts, and restart the server, in an order made of the seed."""
    dice = random.Random(plan.seed)
    blows = ["kill"] * plan.kills + ["restart"] * plan.restarts
    dice.shuffle(blows)
    for blow in blows:
        await asyncio.sleep(plan.pause_s * dice.uniform(0.5, 1.5))
        if blow == "restart":
            await asyncio.to_thread(server.stop if dice.random() < 0.5 else server.kill)
            await asyncio.sleep(dice.uniform(0.2, 1.0))
            await asyncio.to_thread(server.start)
            continue
        await _until(lambda: _some_has_partitions(hosts), plan.patience_s)
        hosts.kill(dice.choice([host for host in hosts.running if host.has_partitions]))
        for _ in range(dice.choice((1, 1, 2)) if len(hosts.running) < plan.hosts else 0):
            hosts.add()


def _some_has_partitions(hosts: Hosts) -> bool:
    hosts.mend()
    return any(host.has_partitions for host in hosts.running)


async def _until(holds: Callable[[], bool], patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not holds() and time.monotonic() < until:  # noqa: ASYNC110 - it is other processes that change it
        await asyncio.sleep(0.05)


async def _all_reported(link: Link, plan: Plan, hosts: Hosts) -> str | None:
    until = time.monotonic() + plan.patience_s
    while (count := await found_count(link)) < plan.events:
        if time.monotonic() > until:
            return f"of {plan.events} reports {count} came"
        hosts.mend()
        await asyncio.sleep(0.1)
    return None


def wrong_reports(told: list[Told], plan: Plan) -> list[str]:
    """What is wrong with reports, in the order of their stream."""
    trouble: list[str] = []
    by_source: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        by_source[each.src].append(each)
    for node in range(min(plan.nodes, plan.events)):
        expected = len(range(node, plan.events, plan.nodes))
        mine = by_source[source_of(node)]
        wanted = [(seq, seq + 1, seq) for seq in range(expected)]
        found = [(each.seq, each.counted, each.told_seq) for each in mine]
        if found != wanted:
            first = next(
                (place for place, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]),
                0,
            )
            trouble.append(
                f"node {node}: {len(found)} reports of {expected}; from {first}: {found[first : first + 5]}"
            )
    return trouble


def _wrong_states(found: dict[str, bytes], plan: Plan) -> list[str]:
    """What is wrong with the counts in the states: each node's is in one partition, and whole."""
    counts: dict[int, list[int]] = defaultdict(list)
    for state in found.values():
        for node, count in counts_in(state).items():
            counts[node].append(count)
    return [
        f"node {node}: the states count {counts[node]}"
        for node in range(min(plan.nodes, plan.events))
        if counts[node] != [len(range(node, plan.events, plan.nodes))]
    ]
