"""One connection as an emitter has it."""

from __future__ import annotations

import socket
from contextlib import suppress

from wasmhost.emitter.link import Link
from wasmhost.emitter.wire import Taken

MOST = 50_000
WELCOME = b"\xa1\x67welcome\x01"


def test_answers_without_end_do_not_keep_the_reader() -> None:
    """It is given some at a time: it has events to send, and may have been closed meanwhile."""
    here, host = socket.socketpair()
    with here, host:
        host.setblocking(False)
        link = Link(here)
        unwritten = memoryview(WELCOME * MOST)
        unwritten = unwritten[host.send(unwritten) :]
        given = 0
        for _ in link.receive():
            given += 1
            with suppress(BlockingIOError):  # there is more whenever there is room
                unwritten = unwritten[host.send(unwritten) :]
        assert 0 < given < MOST / 4
        while left := list(link.receive()):  # none is lost
            assert set(left) == {Taken(None)}
            given += len(left)
        assert given == (MOST * len(WELCOME) - len(unwritten)) // len(WELCOME)
        link.close()
