"""Two whole nodes in one process: what stays and what ends when something goes away."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from pynode.credentials import Issuer
from pynode.echo import Echo
from pynode.identity import parse_id
from pynode.messages import Description
from pynode.node import Node, NodeConfig, RefusedError
from pynode.signaling_server import SignalingServer

from tests.nodes.told import Told, hooks
from wasmhost import ErrorCategory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ALICE, BOB = "acme/alice/1.0.0#1@7", "acme/bob/1.0.0#2@7"


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of two nodes, whatever it is
            await asyncio.sleep(0.01)


@dataclass
class World:
    """A signaling server, and the nodes alice and bob, linked."""

    server: SignalingServer
    alice: Node
    bob: Node
    alice_told: Told
    bob_told: Told

    @property
    def is_linked(self) -> bool:
        """Whether all links stand."""
        links = (
            *(self.alice.mesh.links.get(parse_id(BOB)), self.alice.mesh.sockets.links.get(parse_id(BOB))),
            *(self.bob.mesh.links.get(parse_id(ALICE)), self.bob.mesh.sockets.links.get(parse_id(ALICE))),
        )
        return all(link is not None and link.is_open for link in links)


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    """Run a node, and stop it in good order."""
    stop = asyncio.Event()
    task = asyncio.create_task(node.run(stop))
    try:
        await eventually(lambda: node.is_signaling)
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def world(credential_s: float = 60) -> AsyncIterator[World]:
    """Make it."""
    async with AsyncExitStack() as stack:
        server = SignalingServer(Issuer(credential_s))
        url = await stack.enter_async_context(server.listen("127.0.0.1", 0))
        our_hooks, alice_told = hooks(None)
        their_hooks, bob_told = hooks(None)
        alice = Node(NodeConfig("alice", url), our_hooks, Echo(0))
        bob = Node(NodeConfig("bob", url), their_hooks, Echo(0))
        made = World(server, alice, bob, alice_told, bob_told)
        await stack.enter_async_context(running(alice))
        await stack.enter_async_context(running(bob))
        await eventually(lambda: made.is_linked)
        yield made


@pytest.mark.parametrize("who", [ALICE, BOB])
async def test_links_outlive_signaling(who: str) -> None:
    """Whoever loses its server, the one that dials or the other: links to peers stay as they are."""
    async with world() as made:
        told, node = (made.alice_told, made.alice) if who == ALICE else (made.bob_told, made.bob)
        before = len(told.events)
        made.server.drop(who)
        await eventually(lambda: not node.is_signaling)
        await eventually(lambda: node.is_signaling)
        assert await made.alice.ask(parse_id(BOB), "still there?") == "still there?"
        assert made.is_linked
        assert told.names[before:] == [
            "SignalingDisconnected",
            "SignalingConnectStart",
            "SignalingConnected",
            "CredentialRenewed",
        ]


async def test_requests_take_the_websocket_where_there_is_no_webrtc() -> None:
    """A link that ends is no end of the conversation, and is made again."""
    async with world() as made:
        await made.bob.mesh.links[parse_id(ALICE)].close()
        await eventually(lambda: not made.alice.mesh.links[parse_id(BOB)].is_open)
        assert await made.alice.ask(parse_id(BOB), "hello") == "hello"
        await eventually(lambda: made.is_linked)


async def test_a_handler_that_fails_refuses() -> None:
    """Its words reach the one who asked, and the observers of the node it is in."""
    async with world() as made:
        with pytest.raises(RefusedError, match="fails when it is told to"):
            await made.alice.ask(parse_id(BOB), "fail")
    assert [error.category for error in made.bob_told.errors] == [ErrorCategory.HANDLER_ERROR]


async def test_a_bad_offer_is_an_error_of_transport() -> None:
    """What a peer says can be anything; it costs the link it is about, which is then made anew."""
    async with world() as made:
        made.alice.mesh.described(
            parse_id(BOB), Description(BOB, "offer", "v=0\r\nm=nonsense"), made.alice._signaling
        )
        await eventually(lambda: bool(made.alice_told.errors))
        assert made.alice_told.errors[0].category == ErrorCategory.TRANSPORT_FAILURE
        await eventually(lambda: made.is_linked)


async def test_a_credential_that_ended_is_no_end() -> None:
    """A node that slept through its renewal is refused, told so, and let in anew with a fresh one."""
    async with world(credential_s=0.5) as made:
        keeper = made.alice._keeper
        keeper.close()  # it sleeps
        credential = keeper.current
        assert credential is not None
        await asyncio.sleep(0.6)
        keeper._expiring()
        await eventually(lambda: keeper.current is not None and keeper.current != credential)
        assert await made.alice.ask(parse_id(BOB), "here") == "here"
    (error,) = made.alice_told.errors
    assert error.category == ErrorCategory.SIGNALING_FAILURE
    assert "has ended" in error.source.message


async def test_a_stopped_node_ends_all_and_says_so_in_order() -> None:
    """Its stop is told, and the end of signaling last of all; none of it is an error, to its peer neither."""
    async with world() as made:
        pass
    assert made.alice_told.lifecycle == ["on_start", "on_ready", "on_stop"]
    assert made.alice_told.names[-1] == "SignalingDisconnected"
    assert not made.alice_told.errors
    assert not made.bob_told.errors
