"""Which of many sockets have something to say: one epoll for all, itself watched by the event loop."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_NEWS: Final = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
GONE: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""The other end sends no more: what there is must be read to its end, as no more news will come."""
WRITABLE: Final = select.EPOLLOUT
_AT_ONCE: Final = 512


class Readiness:
    """Tells ``hear`` of each descriptor for which something happened, with epoll's flags.

    News of a connection come once (edge-triggered): whoever hears them reads until there is nothing. So
    nothing has to be taken out and put back for each event, as the event loop's own readers would be.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, hear: Callable[[int, int], None]) -> None:
        self._loop = loop
        self._hear = hear
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self.poll)

    def listen(self, descriptor: int) -> None:
        """Watch a listening socket, of which news come as long as somebody waits there."""
        self._epoll.register(descriptor, select.EPOLLIN)

    def watch(self, descriptor: int) -> None:
        """Watch a connection."""
        self._epoll.register(descriptor, _NEWS)

    def want_to_write(self, descriptor: int, *, wanted: bool) -> None:
        """Also tell when a connection can be written to, or no longer."""
        self._epoll.modify(descriptor, _NEWS | WRITABLE if wanted else _NEWS)

    def forget(self, descriptor: int) -> None:
        """Watch a socket no longer. Before it is closed: its number may soon be another's."""
        self._epoll.unregister(descriptor)

    def poll(self) -> None:
        """Tell what there is to tell, and don't wait for more."""
        for descriptor, flags in self._epoll.poll(0, _AT_ONCE):
            self._hear(descriptor, flags)

    def close(self) -> None:
        """Watch nothing any more."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
