"""What a WebSocket and a WebRTC link to a peer have in common, for those who send over either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynode.messages import Message
    from wasmhost import ActrId


class Link(Protocol):
    """A way to a peer. ``send`` never waits; what is sent on a link that has ended is lost."""

    @property
    def peer(self) -> ActrId:
        """Who is at the other end."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent now."""
        ...

    def send(self, message: Message) -> None:
        """Send a message."""
        ...


if TYPE_CHECKING:
    Deliver = Callable[[Link, Message], None]
    """Takes a message of a peer, and the link that it came by."""
