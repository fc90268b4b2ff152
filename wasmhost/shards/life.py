"""One process of a shard, from its fork to its end."""

from __future__ import annotations

import fcntl
import mmap
import os
import select
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

from wasmhost.shards.framing import MAX_UPWARD, FrameReader, Kind, encode
from wasmhost.shards.sender import Sender
from wasmhost.wall.limits import death_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.shards.framing import Frame
    from wasmhost.wall.limits import ChildLimits
    from wasmhost.wall.zygote import Zygote

_CHUNK: Final = 256 * 1024
_SOCKET_BYTES: Final = 1024 * 1024
_TICK_S: Final = 0.25
_END_S: Final = 5.0


class Ended(Exception):
    """The shard is gone: its socket is closed."""


class Notes:
    """Numbers that a shard writes and its host reads, also after the shard's death: letters in hand."""

    def __init__(self, places: int) -> None:
        self.descriptor = os.memfd_create("wasmhost-notes", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.descriptor, max(1, places) * 8)
        # Were it made smaller over there, to look at it here would be a SIGBUS.
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
        self._map = mmap.mmap(self.descriptor, max(1, places) * 8)
        self.numbers = memoryview(self._map).cast("Q")

    def clear(self) -> None:
        """Nobody has anything in hand."""
        for place in range(len(self.numbers)):
            self.numbers[place] = 0

    def close(self) -> None:
        """Free them."""
        self.numbers.release()
        self._map.close()
        os.close(self.descriptor)


class Life:
    """A shard's process. Its frames are read by one thread; `sender` takes events from others."""

    def __init__(self, zygote: Zygote, notes: Notes, limits: ChildLimits) -> None:
        """Fork it.

        :raises WallError: there is no process to be had.
        """
        self._end, theirs = socket.socketpair()
        with closing(theirs):
            try:
                self._end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
                self._child = zygote.fork("shard", theirs, extra_fds=[notes.descriptor], limits=limits)
            except BaseException:
                self._end.close()
                raise
        self._poll = select.poll()
        self._poll.register(self._end, select.POLLIN)
        self._reader = FrameReader(MAX_UPWARD)
        self.sender = Sender(self._end)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._child.pid

    def send(self, kind: Kind, *body: bytes) -> None:
        """Send a frame now; as long as `sender` has nothing to send.

        :raises Ended: it is gone.
        """
        try:
            self._end.sendall(encode(kind, *body))
        except OSError:
            raise Ended from None

    def frames(self) -> Iterator[Frame | None]:
        """Give frames as they come, and a None now and then when there are none.

        :raises Ended: it is gone, and every frame it sent has been given.
        :raises Garbled: it sends what is none.
        """
        buffer = memoryview(bytearray(_CHUNK))
        while True:
            if not self._poll.poll(_TICK_S * 1000):
                yield None
                continue
            try:
                received = self._end.recv_into(buffer)
            except OSError:
                received = 0
            if not received:
                raise Ended
            yield from self._reader.feed(buffer[:received])

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()

    def bury(self) -> str:
        """See that it is gone with all that belonged to it, and say what it died of."""
        self.sender.finish(None)
        self._end.shutdown(socket.SHUT_RDWR)
        self.sender.join()
        self._end.close()
        code = self._child.wait(0.2)
        if code is None:
            self._child.kill()
            code = self._child.wait(_END_S)
        return "nobody knows how" if code is None else death_words(code)
