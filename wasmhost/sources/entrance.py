"""Taking in those who connect, as many as there is room for."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.sources import answers
from wasmhost.sources.reason import reason

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from wasmhost.sources.doors import Door
    from wasmhost.sources.readiness import Readiness

BACKLOG: Final = 1024
"""Connections that may wait to be accepted."""
_RETRY_S: Final = 0.1
_AT_ONCE: Final = 64
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_OF_ONE_CONNECTION: Final = frozenset(
    {
        *(
            errno.ECONNABORTED,
            errno.EPERM,
            errno.EPROTO,
            errno.ENOPROTOOPT,
            errno.EOPNOTSUPP,
            errno.ETIMEDOUT,
        ),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENONET),
    }
)
"""What accept(2) says of who is being accepted: gone, cut off or not let in. The next may be well."""


class Entrance:
    """Accepts at the listeners of a door. ``enter`` is given each connection, and tells if there was room.

    ``failed`` is why nobody can be accepted any more, or None.
    """

    def __init__(
        self,
        door: Door,
        readiness: Readiness,
        enter: Callable[[socket.socket], bool],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.failed: str | None = None
        self._door = door
        self._readiness = readiness
        self._enter = enter
        self._loop = loop
        self._listeners = {listener.fileno(): listener for listener in door.listeners}
        self._complained = False
        self._retry: asyncio.TimerHandle | None = None
        self._open()

    def hear(self, descriptor: int) -> bool:
        """Let in who waits at a listener, some at a time; False where ``descriptor`` is no listener."""
        listener = self._listeners.get(descriptor)
        if listener is None:
            return False
        self._accept(listener, _AT_ONCE)
        return True

    def last_call(self) -> None:
        """Let in who waits now, and nobody after that."""
        for listener in self._listeners.values():
            self._accept(listener, BACKLOG)
        self.close()

    def close(self) -> None:
        """Let nobody in."""
        self._shut()
        self._listeners = {}
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _open(self) -> None:
        self._retry = None
        for descriptor in self._listeners:
            self._readiness.listen(descriptor)

    def _shut(self) -> None:
        if self._retry is None:
            for descriptor in self._listeners:
                self._readiness.forget(descriptor)

    def _accept(self, listener: socket.socket, most: int) -> None:
        for _ in range(most):
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OF_ONE_CONNECTION:
                    continue
                self._cannot(error)
                return
            self._complained = False
            self._let_in(connection)

    def _let_in(self, connection: socket.socket) -> None:
        try:
            prepared = self._door.prepare(connection)
        except OSError:
            connection.close()  # it is gone already
            return
        if not self._enter(prepared):
            with suppress(OSError):  # in a handshake there are no words
                prepared.send(answers.refused("full: as many connections as this host takes are open"))
            prepared.close()

    def _cannot(self, error: OSError) -> None:
        if error.errno not in _OUT_OF_RESOURCES:
            self.failed = f"cannot accept any more: {reason(error)}"
            self.close()
            return
        # The rest of the host has what we need to accept; it may give some back.
        if not self._complained:
            structlog.get_logger().warning("cannot accept yet", source=self._door.name, reason=reason(error))
        self._complained = True
        if self._retry is None:
            self._shut()
            self._retry = self._loop.call_later(_RETRY_S, self._open)
