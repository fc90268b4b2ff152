"""The streams are made once, and what is there already is not bent to what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import nats
import pytest

from tests.jetstream.helpers import NAMES, SETTINGS, linked, publish
from wasmhost.errors import SourceError
from wasmhost.jetstream.layout import ensure_layout

if TYPE_CHECKING:
    from tests.nats_server import NatsServer


async def test_made_at_the_first_use_and_left_alone_at_the_next(nats_server: NatsServer) -> None:
    """What an operator changed in between, say how long events are kept, stays."""
    async with linked(nats_server) as link:
        life = await link.life()
        client = await nats.connect(nats_server.url)
        config = (await client.jetstream().stream_info(NAMES.stream)).config
        await client.jetstream().update_stream(config.evolve(max_age=600.0))
        await ensure_layout(life, SETTINGS)
        assert (await client.jetstream().stream_info(NAMES.stream)).config.max_age == 600.0
        await client.close()


async def test_nodes_are_divided_and_stay_together(nats_server: NatsServer) -> None:
    """The events of a node are all in one partition, and all partitions have some of 100 nodes."""
    async with linked(nats_server) as link:
        await publish(link, [(node, seq) for seq in range(3) for node in range(100)])
    client = await nats.connect(nats_server.url)
    info = await client.jetstream().stream_info(NAMES.stream, subjects_filter=">")
    subjects = info.state.subjects or {}
    await client.close()
    assert len(subjects) == 100
    assert set(subjects.values()) == {3}
    assert {subject.split(".")[2] for subject in subjects} == {str(number) for number in range(8)}


async def test_another_number_of_partitions_is_refused(nats_server: NatsServer) -> None:
    """It says how many there are, as states and checkpoints are of those."""
    async with linked(nats_server) as link:
        with pytest.raises(SourceError, match="has 8 partitions, and partitions = 4"):
            await ensure_layout(await link.life(), replace(SETTINGS, partitions=4))


async def test_a_stream_that_does_not_divide_is_refused(nats_server: NatsServer) -> None:
    """One of another use, or with other subjects, is named."""
    async with linked(nats_server) as link:
        client = await nats.connect(nats_server.url)
        await client.jetstream().add_stream(name="other", subjects=["other.>"])
        await client.close()
        with pytest.raises(SourceError, match='"other" does not make'):
            await ensure_layout(await link.life(), replace(SETTINGS, stream="other"))
        with pytest.raises(SourceError, match=r'does not make "x\.p'):
            await ensure_layout(await link.life(), replace(SETTINGS, subjects="x"))


async def test_subjects_of_another_stream_are_refused(nats_server: NatsServer) -> None:
    """Two streams with the same subjects would have the same events: what the server says is passed on."""
    async with linked(nats_server) as link:
        with pytest.raises(SourceError, match='streams of "second" cannot be made: subjects overlap'):
            await ensure_layout(await link.life(), replace(SETTINGS, stream="second"))
