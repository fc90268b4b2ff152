"""The demo: a server and two nodes in one process, what goes well between them, and what goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynode.credentials import Issuer
from pynode.echo import Echo
from pynode.node import Node, NodeConfig, RefusedError
from pynode.signaling_server import SignalingServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynode.hooks import Hooks
    from wasmhost import ActrId

CREDENTIAL_S = 6.0
_PATIENCE_S = 30.0
"""How long anything may take before the demo gives up."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A node of the demo, and the way to stop it."""

    node: Node
    hooks: Hooks
    stop: asyncio.Event
    task: asyncio.Task[None]

    @property
    def identity(self) -> ActrId:
        if self.hooks.self_id is None:
            raise RuntimeError("the node was not let in")
        return self.hooks.self_id


async def run_demo(make_hooks: Callable[[str], Hooks], tell: Callable[[str], None]) -> None:
    """Play the demo. ``make_hooks`` makes a node's by its name, ``tell`` takes the headline of a scene."""
    our_hooks, their_hooks = make_hooks("alice"), make_hooks("bob")
    server = SignalingServer(Issuer(CREDENTIAL_S))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(server.listen("127.0.0.1", 0))
        tell(f"a signaling server at {url}, and two nodes")
        nodes = [alice := _start(our_hooks, "alice", url)]
        try:
            await _until(lambda: alice.node.is_signaling)  # first, so that she is always #1
            nodes.append(bob := _start(their_hooks, "bob", url))
            await _play(server, alice, bob, tell)
        finally:
            tell("both stop")
            for running in nodes:
                running.stop.set()
                await running.task


async def _play(server: SignalingServer, alice: _Running, bob: _Running, tell: Callable[[str], None]) -> None:
    await _linked(alice, bob)
    await _talk(alice, bob, tell)
    await _break(server, alice, bob, tell)
    tell("all stands again; the credentials are renewed before they end")
    await asyncio.sleep(CREDENTIAL_S)
    tell("  reply: " + await alice.node.ask(bob.identity, "still there?"))


async def _talk(alice: _Running, bob: _Running, tell: Callable[[str], None]) -> None:
    tell("alice asks bob, over WebRTC")
    tell("  reply: " + await alice.node.ask(bob.identity, "hello"))
    tell("alice asks more than bob can do at once")
    await asyncio.gather(*(alice.node.ask(bob.identity, f"burst {number}") for number in range(8)))
    tell("alice asks for what bob's handler cannot do")
    try:
        await alice.node.ask(bob.identity, "fail")
    except RefusedError as error:
        tell(f"  refused: {error}")


async def _break(
    server: SignalingServer, alice: _Running, bob: _Running, tell: Callable[[str], None]
) -> None:
    tell("alice's signaling connection breaks")
    server.drop(str(alice.identity))
    await _until(lambda: not alice.node.is_signaling)
    await _linked(alice, bob)
    tell("the WebSocket link breaks")
    alice.node.mesh.sockets.links[bob.identity].drop()
    await _until(lambda: alice.identity not in bob.node.mesh.sockets.links)
    await _linked(alice, bob)
    tell("bob ends the WebRTC link while alice sends a stream on it")
    stream = alice.node.mesh.links[bob.identity].stream("file-1", bytes(4 * 1024 * 1024))
    await _until(lambda: stream.acknowledged > 0)
    await bob.node.mesh.links[alice.identity].close()
    await stream.wait()
    await _linked(alice, bob)


def _start(hooks: Hooks, name: str, url: str) -> _Running:
    node = Node(NodeConfig(name, url), hooks, Echo(pause_s=0.02))
    stop = asyncio.Event()
    return _Running(node, hooks, stop, asyncio.create_task(node.run(stop)))


async def _linked(alice: _Running, bob: _Running) -> None:
    """Wait until all there is between the two stands."""

    def stands() -> bool:
        one, other = alice.hooks.self_id, bob.hooks.self_id
        if one is None or other is None or not alice.node.is_signaling:
            return False
        links = (
            *(alice.node.mesh.links.get(other), bob.node.mesh.links.get(one)),
            *(alice.node.mesh.sockets.links.get(other), bob.node.mesh.sockets.links.get(one)),
        )
        return all(link is not None and link.is_open for link in links)

    await _until(stands)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - it is about several parts of two nodes
            await asyncio.sleep(0.02)
