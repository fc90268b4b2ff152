"""Real peers of aiortc and websockets in one process: what their callbacks become."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aioice import Candidate
from pynode.credentials import Issuer
from pynode.ice import is_relayed
from pynode.identity import parse_id
from pynode.messages import Description, Hello, Message, Refused, Reply, Request, Welcome, decode, encode
from pynode.peer import Heartbeat, PeerLink
from pynode.signaling_server import SignalingServer
from pynode.sockets import Sockets
from websockets.asyncio.client import connect

from tests.nodes.told import ME, PEER, Told, hooks
from wasmhost import DataStreamDeliveryUncertain, ErrorCategory, PeerStatus, WebRtcConnected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pynode.link import Link
    from websockets.asyncio.client import ClientConnection

US, THEM = parse_id(ME), parse_id(PEER)
QUICK = Heartbeat(every_s=0.05, silent_s=0.2, gone_s=0.6)
PATIENT = Heartbeat(every_s=10, silent_s=60, gone_s=60)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of two peers, whatever it is
            await asyncio.sleep(0.01)


def echo(link: Link, message: Message) -> None:
    """Answer requests."""
    if isinstance(message, Request):
        link.send(Reply(message.id, message.text))


class Pair:
    """Two ends of one WebRTC connection: ours, which made the offer, and theirs."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        our_hooks, self.our_told = hooks(ME)
        their_hooks, self.their_told = hooks(PEER)
        self.replies: list[Message] = []
        self.ours = PeerLink(THEM, our_hooks, lambda _link, reply: self.replies.append(reply), heartbeat)
        self.theirs = PeerLink(US, their_hooks, echo, heartbeat)
        self.offer = ""


@asynccontextmanager
async def linked(heartbeat: Heartbeat = PATIENT) -> AsyncIterator[Pair]:
    """Make both ends, and have them linked."""
    pair = Pair(heartbeat)
    try:
        pair.offer = await pair.ours.offer()
        await pair.ours.accept(await pair.theirs.answer(pair.offer))
        await eventually(lambda: pair.ours.is_open and pair.theirs.is_open)
        yield pair
    finally:
        await pair.ours.close()
        await pair.theirs.close()


async def test_two_peers_on_loopback() -> None:
    """One candidate each, 127.0.0.1; not relayed, as the pair in use says; a request is answered."""
    async with linked() as pair:
        candidates = [line for line in pair.offer.splitlines() if line.startswith("a=candidate")]
        assert len(candidates) == 1
        assert " 127.0.0.1 " in candidates[0]
        pair.ours.send(Request("1", "hello"))
        await eventually(lambda: pair.replies == [Reply("1", "hello")])
        await pair.theirs.close()
        await eventually(pair.ours.ended.is_set)
    for told in (pair.our_told, pair.their_told):
        assert told.names == ["WebRtcConnectStart", "WebRtcConnected", "WebRtcDisconnected"]
        assert isinstance(told.events[1], WebRtcConnected)
        assert told.events[1].relayed is False
        assert not told.errors


async def test_a_relay_at_either_end_is_told() -> None:
    """What the pair in use says is believed, not what there might be; without one nothing is said."""
    async with linked() as pair:
        connection = pair.ours._connection
        assert connection.sctp is not None
        (used,) = connection.sctp.transport.transport._connection._nominated.values()
        used.remote_candidate = Candidate("1", 1, "udp", 1, "127.0.0.1", 1, "relay")
        assert is_relayed(connection) is True
        await pair.ours.close()
        assert is_relayed(connection) is None


async def test_a_stream_that_arrived_is_certain() -> None:
    """The receiver said so: nothing is told, also when the connection ends later."""
    async with linked() as pair:
        stream = pair.ours.stream("s", bytes(100_000))
        assert await asyncio.wait_for(stream.wait(), 20)
    assert pair.our_told.names[-1] == "WebRtcDisconnected"


async def test_a_stream_that_was_cut_off_is_uncertain() -> None:
    """It is told behind the end of the connection, once, by the one who sent it."""
    async with linked() as pair:
        stream = pair.ours.stream("s", bytes(4_000_000))
        await eventually(lambda: stream.acknowledged > 0)
        await pair.theirs.close()
        assert not await asyncio.wait_for(stream.wait(), 20)
    assert pair.our_told.names[2:] == ["WebRtcDisconnected", "DataStreamDeliveryUncertain"]
    uncertain = pair.our_told.events[-1]
    assert isinstance(uncertain, DataStreamDeliveryUncertain)
    assert (uncertain.stream_id, uncertain.session_id) == ("s", 1)
    assert "acknowledged" in uncertain.reason
    assert pair.their_told.names[2:] == ["WebRtcDisconnected"]


def _lose(message: Message) -> None:
    """Do what a network does that loses packets."""


async def test_a_silent_peer_is_recovering_then_gone() -> None:
    """A peer whose packets stop is first told as recovering; it is given up when it stays silent."""
    async with linked(QUICK) as pair:
        pair.theirs.send = _lose  # type: ignore[method-assign]
        await eventually(pair.ours.ended.is_set)
        statuses = [getattr(event, "status", None) for event in pair.our_told.events]
    assert statuses == [
        PeerStatus.CONNECTING,
        PeerStatus.CONNECTED,
        PeerStatus.RECOVERING,
        PeerStatus.IDLE,
    ]


async def test_a_peer_that_dies_before_its_channel_opens_is_given_up() -> None:
    """The connection stands, and nothing ever comes over it: silent, then gone, as later in its life."""
    pair = Pair(QUICK)
    offer = await pair.ours.offer()
    answer = await pair.theirs.answer(offer)
    sctp = pair.theirs._connection.sctp
    assert sctp is not None
    sctp.start = _never  # type: ignore[assignment, method-assign]
    await pair.ours.accept(answer)
    await eventually(pair.ours.ended.is_set)
    await pair.theirs.close()
    await pair.ours.close()
    names = ["WebRtcConnectStart", "WebRtcConnected", "WebRtcDisconnected", "WebRtcDisconnected"]
    assert pair.our_told.names == names


async def _never(*_arguments: object) -> None:
    """Do what a process does that is dead."""


async def test_nonsense_of_a_peer_ends_the_link_only() -> None:
    """A peer that speaks another language is disconnected, and that is told."""
    async with linked() as pair:
        channel = pair.theirs._channel
        assert channel is not None
        channel.send("nonsense")
        await eventually(pair.ours.ended.is_set)
    assert pair.our_told.names[-1] == "WebRtcDisconnected"


async def test_an_offer_that_nobody_answers() -> None:
    """It was connecting, and is an error of transport in the end."""
    made, told = hooks()
    link = PeerLink(THEM, made, echo, PATIENT)
    await link.offer()
    await link.close("the offer was not answered", failed=True)
    assert told.names == ["WebRtcConnectStart"]
    assert [error.category for error in told.errors] == [ErrorCategory.TRANSPORT_FAILURE]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, Sockets, Told]]:
    """A node that listens for WebSocket links of one peer."""
    made, told = hooks(PEER)
    sockets = Sockets(made, echo, lambda peer: peer == US)
    async with sockets.listen() as url:
        yield url, sockets, told


async def test_a_websocket_link_is_told_on_both_sides() -> None:
    """Connecting, connected, disconnected, at the one that dials and at the one that listens."""
    async with listening() as (url, sockets, their_told):
        made, our_told = hooks(ME)
        dialer = Sockets(made, echo, lambda _peer: False)
        dialing = asyncio.create_task(dialer.dial(THEM, url))
        await eventually(lambda: THEM in dialer.links and US in sockets.links)
        sockets.links[US].drop()
        assert await asyncio.wait_for(dialing, 20)
        await eventually(lambda: not sockets.links)
        for told in (our_told, their_told):
            assert told.names == ["WebSocketConnectStart", "WebSocketConnected", "WebSocketDisconnected"]
            assert not told.errors


async def test_a_websocket_that_cannot_be_made_is_an_error() -> None:
    """Nobody listens, or does not know us: connecting, then an error of transport, and no disconnect."""
    async with listening() as (url, _sockets, their_told):
        pass
    made, told = hooks(ME)
    assert not await Sockets(made, echo, lambda _peer: False).dial(THEM, url)
    async with listening() as (url, _sockets, their_told):
        stranger, _ = hooks("acme/stranger/1.0.0#9@7")
        assert not await Sockets(stranger, echo, lambda _peer: False).dial(THEM, url)
    assert told.names == ["WebSocketConnectStart"]
    assert [error.category for error in told.errors] == [ErrorCategory.TRANSPORT_FAILURE]
    assert not their_told.events  # a stranger is not told of, either


async def greet(connection: ClientConnection, name: str, realm: int = 7, token: str = "") -> Message:
    """Say hello to a signaling server, and return its answer."""
    await connection.send(encode(Hello(realm, name, "ws://127.0.0.1:1", token)))
    return decode(await connection.recv())


async def test_a_name_is_taken_while_its_node_is_there() -> None:
    """Another of that name is refused; the same node, by its credential, is let in and stays who it is."""
    async with SignalingServer(Issuer(60)).listen("127.0.0.1", 0) as url, connect(url, proxy=None) as first:
        welcome = await greet(first, "bob")
        assert isinstance(welcome, Welcome)
        assert welcome.you == "acme/bob/1.0.0#1@7"
        async with connect(url, proxy=None) as thief:
            assert isinstance(await greet(thief, "bob"), Refused)
        async with connect(url, proxy=None) as again:
            second = await greet(again, "bob", token=welcome.token)
            assert isinstance(second, Welcome)
            assert second.you == welcome.you


@pytest.mark.parametrize(("name", "realm"), [("Bob", 7), ("", 7), ("bob", 2**32)])
async def test_a_hello_that_makes_no_identity_is_refused(name: str, realm: int) -> None:
    """Names are plain, realms have 32 bits."""
    async with SignalingServer(Issuer(60)).listen("127.0.0.1", 0) as url, connect(url, proxy=None) as node:
        assert isinstance(await greet(node, name, realm), Refused)


async def test_realms_do_not_see_each_other() -> None:
    """No news of a node of another realm, and no way to send it an offer."""
    async with (
        SignalingServer(Issuer(60)).listen("127.0.0.1", 0) as url,
        connect(url, proxy=None) as one,
        connect(url, proxy=None) as other,
    ):
        here, there = await greet(one, "here", 7), await greet(other, "there", 8)
        assert isinstance(here, Welcome)
        assert isinstance(there, Welcome)
        await one.send(encode(Description(there.you, "offer", "")))
        answer = decode(await one.recv())
        assert isinstance(answer, Refused)
        assert "there is no" in answer.reason
