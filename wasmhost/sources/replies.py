"""Writing to an emitter that may never read: at once or in part, and at most one answer is kept."""

from __future__ import annotations

import ssl
from contextlib import suppress
from socket import SHUT_WR
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What a socket that does not block raises where another would wait."""


class Replies:
    """Says things on a socket. ``tell_when`` asks for :meth:`go_on` to be called, or no more."""

    __slots__ = ("_rest", "_socket", "_tell_when", "_waits")

    def __init__(self, connection: socket.socket, tell_when: Callable[[bool], None]) -> None:
        self._socket = connection
        self._rest = b""  # of what was begun
        self._tell_when = tell_when
        self._waits = False

    def say(self, data: bytes) -> bool:
        """Write ``data``; False, and nothing was done, where what was said before is not out yet."""
        if self._rest:
            return False
        self._rest = data
        self.go_on()
        return True

    def go_on(self) -> None:
        """Write what was left. A broken connection is noticed by who reads it."""
        try:
            self._rest = self._rest[self._socket.send(self._rest) :]
        except NOT_NOW:
            pass
        except OSError:
            self._rest = b""
        if bool(self._rest) != self._waits:
            self._waits = not self._waits
            self._tell_when(self._waits)

    def hang_up(self) -> None:
        """Say that there will be no more."""
        if isinstance(self._socket, ssl.SSLSocket):
            # Its first step is our word; the second, the other's, nobody waits for.
            with suppress(OSError, ValueError):
                self._socket.unwrap()
        with suppress(OSError):
            self._socket.shutdown(SHUT_WR)
