"""The thread that writes to a shard: all of it, in order, and none of it keeps anybody waiting."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from wasmhost.shards.framing import MAX_DOWNWARD, Frame, FrameReader, Kind
from wasmhost.shards.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(60)

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Give both ends of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(theirs: socket.socket, last: Kind) -> list[Frame]:
    """Read frames up to the last one."""
    reader = FrameReader(MAX_DOWNWARD)
    frames: list[Frame] = []
    while not frames or frames[-1].kind is not last:
        data = theirs.recv(1 << 16)
        assert data, "closed before the last frame"
        frames.extend(reader.feed(data))
    assert reader.waiting == 0
    return frames


def test_events_come_in_the_order_in_which_they_were_added(ends: Ends) -> None:
    """While it sends, and falls asleep, more are added; all come, then the last frame, then nothing."""
    ours, theirs = ends
    sender = Sender(ours)
    for number in range(50_000):
        sender.add(number.to_bytes(4, "little"))
    assert theirs.recv(4, socket.MSG_PEEK)  # it sends what it has before it is told to end
    sender.finish(Kind.STOP)
    frames = received(theirs, Kind.STOP)
    sender.join()
    assert {frame.kind for frame in frames[:-1]} == {Kind.EVENTS}
    assert frames[-1] == Frame(Kind.STOP, b"")
    body = b"".join(frame.body for frame in frames)
    assert body == b"".join(number.to_bytes(4, "little") for number in range(50_000))


def test_one_that_sleeps_is_woken_by_every_event(ends: Ends) -> None:
    """None is left behind until another comes."""
    ours, theirs = ends
    sender = Sender(ours)
    for number in range(500):
        record = number.to_bytes(4, "little")
        sender.add(record)
        reader = FrameReader(100)
        frames: list[Frame] = []
        while not frames:
            frames.extend(reader.feed(theirs.recv(100)))
        assert frames == [Frame(Kind.EVENTS, record)]
    sender.finish(None)
    sender.join()


def test_what_waits_goes_in_batches_of_bounded_size(ends: Ends) -> None:
    """The other side holds one frame at a time."""
    ours, theirs = ends
    sender = Sender(ours)
    for _ in range(40):
        sender.add(bytes(64 * 1024))
    sender.finish(Kind.STOP)
    frames = received(theirs, Kind.STOP)
    assert sum(len(frame.body) for frame in frames) == 40 * 64 * 1024
    assert max(len(frame.body) for frame in frames) <= 256 * 1024 + 64 * 1024
    sender.join()


def test_nothing_is_sent_after_the_last(ends: Ends) -> None:
    """Nor any frame where there is no last one."""
    ours, theirs = ends
    sender = Sender(ours)
    sender.finish(None)
    sender.add(b"late")
    sender.join()
    ours.close()
    assert theirs.recv(100) == b""


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_closed_socket_ends_it(ends: Ends, whose: str) -> None:
    """Also in the middle of what does not fit; what is added later costs nothing."""
    ours, theirs = ends
    sender = Sender(ours)
    sender.add(bytes(8 * 1024 * 1024))
    assert theirs.recv(1)
    if whose == "ours":
        ours.shutdown(socket.SHUT_RDWR)
    else:
        theirs.close()
    sender.join()
    sender.add(b"more")
    sender.finish(Kind.STOP)
    sender.join()
