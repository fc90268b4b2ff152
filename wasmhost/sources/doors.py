"""What a listening source listens on, and how it knows who comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence


class Door(Protocol):
    """Some listening sockets. ``kind`` begins the names of connections."""

    @property
    def kind(self) -> str:
        """See above."""
        ...

    @property
    def name(self) -> str:
        """Where it is, as one would write it after ``--from``."""
        ...

    @property
    def listeners(self) -> Sequence[socket.socket]:
        """The sockets that listen; none blocks."""
        ...

    def prepare(self, connection: socket.socket) -> socket.socket:
        """Return what to read a connection from that was just accepted."""
        ...

    def identify(self, connection: socket.socket) -> str:
        """Return who is there, in words that are the same for the same peer.

        Raises SourceError for one who may not, and whatever a socket raises that would block.
        """
        ...

    def close(self) -> None:
        """Listen no more."""
        ...
