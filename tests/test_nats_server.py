"""The server that other tests rely on: what it keeps is there again after a restart, on the same port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats
import pytest

from tests.nats_server import nats_server as nats_server

if TYPE_CHECKING:
    from tests.nats_server import NatsServer


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_a_restarted_server_has_its_streams(nats_server: NatsServer, way: str) -> None:
    """A stopped server, and one that is killed, is found at the same place with what it had acknowledged."""
    port = nats_server.port
    client = await nats.connect(nats_server.url)
    stream = client.jetstream()
    await stream.add_stream(name="kept", subjects=["kept.*"])
    await stream.publish("kept.a", b"one")
    await client.close()
    getattr(nats_server, way)()
    nats_server.start()
    assert nats_server.port == port
    client = await nats.connect(nats_server.url)
    assert (await client.jetstream().get_last_msg("kept", "kept.a")).data == b"one"
    await client.close()
