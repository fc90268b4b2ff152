"""One connection to a host: bytes out as far as they go, answers in as far as they came."""

from __future__ import annotations

import os
import select
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.emitter.wire import Answers

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from wasmhost.emitter.wire import Taken

_CHUNK: Final = 4096  # of answers, which are some ten bytes each
_CHUNKS_AT_ONCE: Final = 16
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """A connected socket, which from here on makes nobody wait."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._answers = Answers()
        self._unsent = memoryview(b"")
        self._broken: OSError | None = None
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    @property
    def clogged(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._unsent)

    def send(self, data: bytes) -> None:
        """Write as much as goes; the rest is left to :meth:`push`. Only while not clogged."""
        self._unsent = memoryview(data)
        self.push()

    def push(self) -> None:
        """Go on writing. What goes wrong :meth:`receive` raises, once it has read what the host said last."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except _NOT_NOW:
            return
        except OSError as error:
            self._broken = error
            self._unsent = memoryview(b"")

    def receive(self) -> Iterator[Taken]:
        """Give the answers that have come, each as it is read; of very many, some.

        :raises OSError: the connection is over.
        :raises Refused: it is, and the host says why.
        """
        for _ in range(_CHUNKS_AT_ONCE):
            try:
                chunk = self._socket.recv(_CHUNK)
            except _NOT_NOW:
                if self._broken is not None:
                    raise self._broken from None
                return
            if not chunk:
                raise ConnectionResetError("the host closed the connection")
            yield from self._answers.push(chunk)

    def wait(self, timeout: float) -> None:
        """Wait until there is something to read, or room to write what is left, or the time is over."""
        events = select.POLLIN | (select.POLLOUT if self._unsent else 0)
        self._poll.modify(self._socket, events)
        self._poll.poll(timeout * 1000)

    def close(self) -> None:
        """Close it; the other side reads what was written."""
        with suppress(OSError):
            self._socket.close()

    def forget(self) -> None:
        """Let go of a socket that is our parent process's own: it must not notice."""
        with suppress(OSError):
            os.close(self._socket.detach())
