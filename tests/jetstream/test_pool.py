"""Hosts on one stream: who gets what, what is handed over, and what is published."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.cli.helpers import small_guest, wat
from tests.jetstream.counting import HOOK, counts_in, event
from tests.jetstream.helpers import (
    NAMES,
    SETTINGS,
    Told,
    found_count,
    linked,
    publish,
    read_all,
    reports,
    states,
)
from tests.jetstream.pools import common, config, holds, pool
from wasmhost.contract.codec import RejectedEvent, ingest
from wasmhost.jetstream.holding import Lease
from wasmhost.jetstream.ledger import Ledger, Write
from wasmhost.jetstream.membership import Membership
from wasmhost.jetstream.publishing import Message, publish_all

if TYPE_CHECKING:
    from pathlib import Path

    from tests.nats_server import NatsServer
    from wasmhost.jetstream.link import Link
    from wasmhost.jetstream.pool import Pool


async def reported(link: Link, count: int) -> None:
    """Wait for so many reports and panics."""
    async with asyncio.timeout(30):
        while await found_count(link) < count:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)


def held(*pools: Pool) -> list[int]:
    """All partitions that are held, in order."""
    return sorted(number for each in pools for number in each.partitions)


async def test_states_go_along_when_partitions_move(nats_server: NatsServer, tmp_path: Path) -> None:
    """A second host takes half, the first one leaves, and every node's count goes on where it was."""
    events = [(node, seq) for seq in range(4) for node in range(50)]
    async with linked(nats_server) as link, AsyncExitStack() as stack:
        first = await stack.enter_async_context(pool(link, config(tmp_path)))
        await publish(link, events[:100])
        await reported(link, 100)
        assert first.partitions == tuple(range(8))
        async with pool(link, config(tmp_path)) as second:
            await holds(lambda: len(first.partitions) == len(second.partitions) == 4)
            await publish(link, events[100:150])
            await reported(link, 150)
            first.stop()
            await holds(lambda: len(second.partitions) == 8)
            assert held(first, second) == list(range(8))
            await publish(link, events[150:])
            await reported(link, 200)
        found = await reports(nats_server)
        assert len(found) == 200
        assert all(told == Told(f"node-{node}", seq, seq + 1, seq) for told, (node, seq) in _matched(found))
        counts = [counts_in(state) for state in (await states(link)).values()]
        assert {node: count for each in counts for node, count in each.items()} == dict.fromkeys(range(50), 4)


def _matched(found: list[Told]) -> list[tuple[Told, tuple[int, int]]]:
    """Each report, and which event of its node it must be of: the next one each."""
    seen: dict[str, int] = {}
    matched: list[tuple[Told, tuple[int, int]]] = []
    for told in found:
        seen[told.src] = seen.get(told.src, -1) + 1
        matched.append((told, (int(told.src.removeprefix("node-")), seen[told.src])))
    return matched


async def test_what_comes_again_is_counted_apart(nats_server: NatsServer, tmp_path: Path) -> None:
    """Also by a host that was not there when it came first."""
    events = [(node, seq) for seq in range(3) for node in range(20)]
    async with linked(nats_server) as link:
        async with pool(link, config(tmp_path)):
            await publish(link, events)
            await publish(link, events[:5], again="again-")
            await reported(link, 60)
        shared = common(link)
        async with pool(link, config(tmp_path), shared) as second:
            await holds(lambda: len(second.partitions) == 8)
            await publish(link, events[5:12], again="again-")
            await publish(link, [(node, 3) for node in range(20)])
            await reported(link, 80)
        summary = shared.totals.summary(["counting"])
        assert (summary.events, summary.duplicates) == (20, 7)
        assert all(told.counted == told.seq + 1 for told in await reports(nats_server))


async def test_a_server_that_restarts_as_a_host_looks_back(nats_server: NatsServer, tmp_path: Path) -> None:
    """It goes on looking back from where it was, so that it knows again all that came before."""
    events = [(node, seq) for seq in range(100) for node in range(10)]
    settings = replace(SETTINGS, batch=1)
    async with linked(nats_server) as link:
        async with pool(link, config(tmp_path)):
            await publish(link, events)
            await reported(link, 1000)
        shared = common(link, settings)
        async with pool(link, config(tmp_path, settings=settings), shared) as second:
            await holds(lambda: len(second.partitions) == 8)
            partitions = [each for each, _, _ in second._held.values()]
            await holds(lambda: any(100 < partition._read < 500 for partition in partitions))
            await asyncio.to_thread(nats_server.restart)
            await publish(link, events, again="again-")
            await publish(link, [(node, 100) for node in range(10)])
            await reported(link, 1010)
        summary = shared.totals.summary(["counting"])
        assert (summary.events, summary.duplicates) == (10, 1000)


async def test_panics_are_published_and_logged(nats_server: NatsServer, tmp_path: Path) -> None:
    """Of one that traps at each event each panic is in the stream, all are one in the log; others go on."""
    trapper = wat(tmp_path / "trapper.wasm", small_guest("unreachable"))
    settings = config(tmp_path, trapper)
    quiet = tuple(replace(each, quarantine=None) for each in settings.observers)
    async with linked(nats_server) as link:
        shared = common(link)
        async with pool(link, replace(settings, observers=quiet), shared):
            await publish(link, [(node, 0) for node in range(10)])
            await reported(link, 20)
        panics = [json.loads(data) for data in await read_all(nats_server, f"{NAMES.prefix}.panics.>")]
        assert {(each["observer"], each["kind"], each["hook"]) for each in panics} == {
            ("trapper", "unreachable", HOOK)
        }
        assert sorted(each["src"] for each in panics) == sorted(f"node-{node}" for node in range(10))
        assert [row.count for row in shared.panics.rows()] == [10]
        assert len(await reports(nats_server)) == 10
        summary = shared.totals.summary(["counting", "trapper"])
        assert [(each.name, each.delivered, each.panics) for each in summary.observers] == [
            ("counting", 10, 0),
            ("trapper", 0, 10),
        ]


async def test_what_is_no_event_is_passed_over(nats_server: NatsServer, tmp_path: Path) -> None:
    """It is counted as rejected once, whoever looks back at it later, and what comes behind is taken."""
    nonsense = [b"\xff", b"", event(3, 0)[:-1], event(3, 0).replace(b"csrc", b"csrx")]
    for data in nonsense[:-1]:
        try:
            ingest(data)
        except RejectedEvent:
            continue
        raise AssertionError(data)
    async with linked(nats_server) as link:
        bad = [
            Message(NAMES.event("7", str(number)), f"bad-{number}", data)
            for number, data in enumerate(nonsense)
        ]
        for round_ in range(2):
            shared = common(link)
            async with pool(link, config(tmp_path), shared):
                if round_ == 0:
                    await publish_all(link, bad)
                await publish(link, [(node, round_) for node in range(5)])
                await reported(link, 5 * (round_ + 1))
            summary = shared.totals.summary(["counting"])
            assert (summary.events, summary.rejected) == (5, 4 if round_ == 0 else 0)


async def test_an_idle_pool_takes_little(nats_server: NatsServer, tmp_path: Path) -> None:
    """More hosts than partitions is no trouble: some have none, and take over when others go."""
    settings = replace(SETTINGS, lease_s=1.0)
    async with linked(nats_server) as link, AsyncExitStack() as stack:
        pools = [
            await stack.enter_async_context(pool(link, config(tmp_path, settings=settings))) for _ in range(9)
        ]
        await holds(lambda: sorted(len(each.partitions) for each in pools) == [0, *[1] * 8])
        for each in pools[:4]:
            each.stop()
        await holds(lambda: sum(len(each.partitions) for each in pools[4:]) == 8)


async def test_observers_come_and_go_while_it_runs(nats_server: NatsServer, tmp_path: Path) -> None:
    """In every partition; one that comes back finds its states again, also in another host."""
    settings = config(tmp_path)
    counting = settings.observers[0]
    other = replace(counting, name="other")
    async with linked(nats_server) as link:
        shared = common(link)
        async with pool(link, settings, shared) as host:
            await publish(link, [(node, 0) for node in range(30)])
            await reported(link, 30)
            done = await host.reload(replace(settings, observers=(counting, other)))
            assert (done.added, done.replaced, done.removed) == (("other",), (), ())
            await publish(link, [(node, 1) for node in range(30)])
            await reported(link, 90)
            done = await host.reload(replace(settings, observers=(other,)))
            assert done.removed == ("counting",)
        async with pool(link, replace(settings, observers=(other,)), shared) as host:
            await holds(lambda: len(host.partitions) == 8)
            done = await host.reload(settings)
            assert (done.added, done.removed) == (("counting",), ("other",))
            await publish(link, [(node, 2) for node in range(30)])
            await reported(link, 120)
        found = [json.loads(data) for data in await read_all(nats_server, f"{NAMES.prefix}.reports.>")]
        told = sorted((each["observer"], each["seq"], each["body"][0]) for each in found)
        assert told == sorted(
            [("counting", 0, 1), ("counting", 1, 2), ("counting", 2, 3), ("other", 1, 1)] * 30
        )


async def test_who_was_called_dead_and_is_not(nats_server: NatsServer, tmp_path: Path) -> None:
    """It lets go of what others have taken, also where no event comes, and tells nothing of old states."""
    async with linked(nats_server) as link:
        other = Membership(link, NAMES, lease_s=60)
        settings = replace(SETTINGS, lease_s=60)
        life = await link.life()
        async with pool(link, config(tmp_path, settings=settings)) as host:
            await holds(lambda: len(host.partitions) == 8)
            ledger = Ledger(life, NAMES.stream)
            await other.beat((), leaving=False)
            await life.client.publish(NAMES.nudge, b"other")
            await holds(lambda: len(host.partitions) == 4)
            number = host.partitions[0]
            entry = await ledger.get(f"p.{number}")
            assert entry is not None
            stolen = replace(Lease.decode(entry.value), owner=other.me, epoch=99)
            await ledger.put(Write(f"p.{number}", stolen.encode(), entry.revision))
            await other.beat((number,), leaving=False)
            await life.client.publish(NAMES.nudge, b"other")
            await holds(lambda: number not in host.partitions)
            assert Lease.decode((await ledger.get(f"p.{number}") or entry).value) == stolen
