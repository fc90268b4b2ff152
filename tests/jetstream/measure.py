"""How many events a second hosts take that nobody disturbs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.jetstream.counting import NODES, UNHEARD, counting_guest
from tests.jetstream.helpers import NAMES, linked, publish
from tests.jetstream.hosts import Hosts
from wasmhost.jetstream.holding import Lease
from wasmhost.jetstream.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nats_server import NatsServer
    from wasmhost.jetstream.link import Link

_CHUNK: Final = 2_000
_READY_S: Final = 60.0


class Measured(NamedTuple):
    """How long hosts took, and their processor time, that of their shards included."""

    seconds: float
    processor_s: float


async def measure(events: int, count: int, server: NatsServer, folder: Path, *, reporting: bool) -> Measured:
    """Have hosts take what came while they were stopped: from when they go on to their last checkpoint.

    ``reporting``: each event is counted in the state and reported; else no observer hears it.
    """
    counting_guest(folder)
    numbered = [(number % NODES, number // NODES) for number in range(events)]
    with Hosts(folder, server.url, lease_s=900, batch=512) as hosts:
        async with linked(server) as link:
            for _ in range(count):
                hosts.add()
            await _balanced(link, count)
            hosts.pause()
            for first in range(0, events, _CHUNK):
                await publish(link, numbered[first : first + _CHUNK], hook=None if reporting else UNHEARD)
            ends = await _ends(link)
            began, busy = time.monotonic(), hosts.processor_s()
            hosts.resume()
            while not await _all_taken(link, ends):  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.02)
            return Measured(time.monotonic() - began, hosts.processor_s() - busy)


async def _leases(link: Link) -> dict[int, Lease]:
    found = await Ledger(await link.life(), NAMES.stream).list("p.*")
    return {int(key.partition(".")[2]): Lease.decode(entry.value) for key, entry in found.items()}


async def _all_taken(link: Link, ends: dict[int, int]) -> bool:
    return all(lease.seq >= ends[number] for number, lease in (await _leases(link)).items())


async def _balanced(link: Link, count: int) -> None:
    """Wait until each host has its share, and has had time to open it."""
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        owners = [lease.owner for lease in (await _leases(link)).values()]
        if len(owners) == NAMES.partitions and None not in owners and len(set(owners)) == count:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)


async def _ends(link: Link) -> dict[int, int]:
    """The last event of each partition, by the number that the stream gave it."""
    life = await link.life()
    found: dict[int, int] = {}
    for number in range(NAMES.partitions):
        request = f'{{"last_by_subj": "{NAMES.partition(number)}"}}'.encode()
        answer = await life.ask(f"$JS.API.STREAM.MSG.GET.{NAMES.stream}", request)
        found[number] = answer["message"]["seq"]
    return found
