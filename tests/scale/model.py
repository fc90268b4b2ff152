"""What a fleet of so many nodes needs, reckoned from what one host costs: ``python -m tests.scale.model``.

Prints the tables of docs/scale.md; a test holds that page to them.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NODES: Final = 1_000_000
OBSERVERS: Final = 4
RATES: Final = ((1 / 600, "10 minutes"), (1 / 60, "a minute"), (1 / 10, "10 s"), (1.0, "a second"))


@dataclass(frozen=True, slots=True)
class Costs:
    """As measured; processor time for one event, in µs, and memory.

    ``event_us``: of a host with one observer, who sees it as it is; ``observer_us`` more for each further
    one; ``disguise_us`` for the first profile that sees it in disguise, ``profile_us`` for each further one.
    ``delivery_us``: of a shard, for each observer. ``stream_us``: of a host with its shards that reads it
    from a stream and checkpoints it, with a report and a new state.
    """

    event_us: float
    observer_us: float
    disguise_us: float
    profile_us: float
    delivery_us: float
    stream_us: float
    connection_kib: float
    host_mib: float
    shard_mib: float
    event_bytes: float = 350  # in a stream, with its subject and headers


@dataclass(frozen=True, slots=True)
class Assumed:
    """What an operator decides. ``busy``: how much of a core is used on the average, so that peaks fit in."""

    busy: float = 0.6
    connections: int = 10_000
    observers: int = OBSERVERS
    profiles: int = 1
    keep_s: float = 86_400
    replicas: int = 3
    partitions_a_core: int = 3


MEASURED: Final = Costs(
    event_us=34,
    observer_us=4.7,
    disguise_us=50,
    profile_us=15.8,
    delivery_us=10,
    stream_us=117,
    connection_kib=1.3,
    host_mib=47,
    shard_mib=52,
)


@dataclass(frozen=True, slots=True)
class Need:
    """What a fleet needs, with nodes on sockets of hosts, and with a stream between."""

    events_s: float
    hosts: int
    host_cores: float
    shard_cores: float
    memory_gib: float
    stream_cores: float
    partitions: int
    stream_mib_s: float
    stored_tib: float


def need(nodes: int, rate: float, costs: Costs = MEASURED, assumed: Assumed = Assumed()) -> Need:
    """Reckon with ``nodes`` that emit ``rate`` events a second each."""
    events = nodes * rate
    disguises = costs.disguise_us + (assumed.profiles - 1) * costs.profile_us if assumed.profiles else 0.0
    host_us = costs.event_us + (assumed.observers - 1) * costs.observer_us + disguises
    host_cores = events * host_us / 1e6 / assumed.busy
    shard_cores = events * assumed.observers * costs.delivery_us / 1e6 / assumed.busy
    # A host's own process is at most one core.
    hosts = max(math.ceil(host_cores), math.ceil(nodes / assumed.connections))
    memory = nodes * costs.connection_kib / 1024 + hosts * (costs.host_mib + 2 * costs.shard_mib)
    stream_cores = events * costs.stream_us / 1e6 / assumed.busy
    partitions = max(8, 2 ** math.ceil(math.log2(max(1.0, assumed.partitions_a_core * stream_cores))))
    bytes_s = events * costs.event_bytes
    return Need(
        events,
        hosts,
        host_cores,
        shard_cores,
        memory / 1024,
        stream_cores,
        partitions,
        bytes_s / 2**20,
        bytes_s * assumed.keep_s * assumed.replicas / 2**40,
    )


def direct_table() -> Iterator[str]:
    """Nodes on sockets."""
    yield "| an event every | events a second | hosts | their cores | cores of shards | memory, all |"
    yield "|---|---|---|---|---|---|"
    for rate, words in RATES:
        found = need(NODES, rate)
        yield (
            f"| {words} | {found.events_s:,.0f} | {found.hosts:,} | {found.host_cores:,.1f} "
            f"| {found.shard_cores:,.1f} | {found.memory_gib:,.0f} GiB |"
        )


def stream_table() -> Iterator[str]:
    """A stream between."""
    head = "| an event every | events a second | cores of hosts | partitions | into the stream "
    yield head + "| kept, replicated |"
    yield "|---|---|---|---|---|---|"
    for rate, words in RATES:
        found = need(NODES, rate)
        yield (
            f"| {words} | {found.events_s:,.0f} | {found.stream_cores:,.1f} | {found.partitions:,} "
            f"| {found.stream_mib_s:,.1f} MiB/s | {found.stored_tib:,.2f} TiB |"
        )


def main(_argv: Sequence[str] | None = None) -> int:
    """Print both."""
    sys.stdout.write("\n".join((*direct_table(), "", *stream_table(), "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
