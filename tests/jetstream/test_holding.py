"""Lease and checkpoint in one: who lost a partition can write nothing of it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jetstream.helpers import NAMES, linked, states
from wasmhost.jetstream.holding import Holding, Lease, Lost
from wasmhost.jetstream.ledger import Ledger
from wasmhost.jetstream.membership import Membership

if TYPE_CHECKING:
    from tests.nats_server import NatsServer
    from wasmhost.jetstream.link import Link


async def claimed(link: Link, number: int = 0) -> tuple[Membership, Holding | None]:
    """A new host, and what it gets when it claims a partition."""
    membership = Membership(link, NAMES, lease_s=0.0)
    view = await membership.beat((), leaving=False)
    return membership, await membership.claim(number, view)


async def lease(link: Link) -> Lease:
    """What the bucket says of partition 0."""
    entry = await Ledger(await link.life(), NAMES.stream).get("p.0")
    assert entry is not None
    return Lease.decode(entry.value)


async def test_a_checkpoint_has_states_and_place_together(nats_server: NatsServer) -> None:
    """And the next owner begins there."""
    async with linked(nats_server) as link:
        one, first = await claimed(link)
        assert first is not None
        await first.commit(17, {"a": b"state of a"})
        await first.commit(18, {})
        assert await lease(link) == Lease(one.me, 1, 18)
        await first.release()
        other, second = await claimed(link)
        assert second is not None
        assert second.lease == Lease(other.me, 2, 18)
        assert await second.states(["a", "b"]) == {"a": b"state of a"}


async def test_a_partition_has_one_owner(nats_server: NatsServer) -> None:
    """One that is held is not given to another who sees that its owner lives."""
    async with linked(nats_server) as link:
        _, first = await claimed(link)
        assert first is not None
        _, second = await claimed(link)
        assert second is None


async def test_who_was_called_dead_can_not_write(nats_server: NatsServer) -> None:
    """Neither states nor its place, however late it finds out; what the new owner wrote stays."""
    async with linked(nats_server) as link:
        one, first = await claimed(link)
        assert first is not None
        await first.commit(5, {"a": b"old"})
        entry = await Ledger(await link.life(), NAMES.stream).get(f"host.{one.me}")
        assert entry is not None
        await Ledger(await link.life(), NAMES.stream).delete(f"host.{one.me}", entry.revision)
        _, second = await claimed(link)
        assert second is not None
        for write in (first.commit(6, {"a": b"late"}), first.check(), first.release()):
            with pytest.raises(Lost):
                await write
        await second.commit(7, {"a": b"new"})
        assert await states(link) == {"s.0.a": b"new"}
        assert (await lease(link)).seq == 7


async def test_a_write_whose_answer_was_lost_is_known(nats_server: NatsServer) -> None:
    """Tried again, it finds itself there already, and that is no loss of the partition."""
    async with linked(nats_server) as link:
        _, holding = await claimed(link)
        assert holding is not None
        before = holding._revision
        await holding.commit(5, {"a": b"x"})
        holding._revision = before  # as if no answer had come
        await holding.commit(5, {"a": b"x"})
        await holding.commit(6, {})
        assert (await lease(link)).seq == 6
