"""What observers are told of one WebRTC connection: each thing once, and in an order that makes sense.

The library's callbacks come in many ways (a state may be reported twice, a channel may close before its
connection does or after). Here they become one story: connecting, connected, perhaps recovering and connected
again, gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynode.identity import short
from wasmhost import ErrorCategory, PeerStatus, WebRtcConnected, WebRtcConnectStart, WebRtcDisconnected

if TYPE_CHECKING:
    from pynode.hooks import Hooks
    from wasmhost import ActrId


class Story:
    """Tells of a connection to ``peer``; ``status`` is where the story has got to."""

    def __init__(self, peer: ActrId, hooks: Hooks) -> None:
        self.status = PeerStatus.IDLE
        self.over = False
        self._peer = peer
        self._hooks = hooks

    def connecting(self) -> None:
        """There is an offer, of ours or of the peer's."""
        if self.status is PeerStatus.IDLE and not self.over:
            self.status = PeerStatus.CONNECTING
            self._hooks.emit(WebRtcConnectStart(self._peer, self.status))

    def connected(self, *, relayed: bool) -> None:
        """The connection stands, for the first time or again."""
        if self.status in {PeerStatus.CONNECTING, PeerStatus.RECOVERING}:
            self.status = PeerStatus.CONNECTED
            self._hooks.emit(WebRtcConnected(self._peer, relayed, self.status))

    def silent(self) -> None:
        """The peer has not been heard of for a while; it may come back."""
        if self.status is PeerStatus.CONNECTED:
            self.status = PeerStatus.RECOVERING
            self._hooks.emit(WebRtcDisconnected(self._peer, self.status))

    def gone(self, reason: str, *, failed: bool = True) -> None:
        """The connection is at its end; one that never stood has ``failed``, or was not wanted any more."""
        if self.over:
            return
        self.over = True
        stood = self.status in {PeerStatus.CONNECTED, PeerStatus.RECOVERING}
        self.status = PeerStatus.IDLE
        if stood:
            self._hooks.emit(WebRtcDisconnected(self._peer, self.status))
        elif failed:
            self._hooks.error(
                ErrorCategory.TRANSPORT_FAILURE,
                ("unavailable", reason),
                f"WebRTC link to {short(self._peer)}",
            )
