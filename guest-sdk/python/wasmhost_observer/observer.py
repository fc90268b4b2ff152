"""The class that an observer may derive from, for its types and its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from wasmhost_observer.hooks import register_class

if TYPE_CHECKING:
    from wasmhost_observer.records import (
        BackpressureEvent,
        Context,
        CredentialEvent,
        ErrorEvent,
        PeerEvent,
        SignalingEvent,
    )

C = TypeVar("C", bound="type[Observer]")


class Observer:
    """An observer of a node's events: override the hooks you care about, and decorate it with `observer`.

    Only those are ever called. It is made once in a sandbox, within its first hook, without arguments:
    ``__init__`` is the place to read the config and the state.
    """

    def on_start(self, ctx: Context) -> None:
        """The node starts; it may have no peers yet. May raise `ObserverError`."""

    def on_ready(self, ctx: Context) -> None:
        """The node is ready to serve. May raise `ObserverError`."""

    def on_stop(self, ctx: Context) -> None:
        """The node stops. May raise `ObserverError`."""

    def on_error(self, ctx: Context, event: ErrorEvent) -> None:
        """Something went wrong in the node. May raise `ObserverError`."""

    def on_signaling_connecting(self, ctx: Context | None, event: SignalingEvent) -> None:
        """The node dials the signaling server; it may have no identity yet."""

    def on_signaling_connected(self, ctx: Context | None) -> None:
        """The signaling connection stands; the node may have no identity yet."""

    def on_signaling_disconnected(self, ctx: Context) -> None:
        """The signaling connection is lost."""

    def on_websocket_connecting(self, ctx: Context, event: PeerEvent) -> None:
        """A WebSocket connection to a peer is being made."""

    def on_websocket_connected(self, ctx: Context, event: PeerEvent) -> None:
        """A WebSocket connection to a peer stands."""

    def on_websocket_disconnected(self, ctx: Context, event: PeerEvent) -> None:
        """A WebSocket connection to a peer is gone."""

    def on_webrtc_connecting(self, ctx: Context, event: PeerEvent) -> None:
        """A WebRTC connection to a peer is being made."""

    def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
        """A WebRTC connection to a peer stands; ``event.relayed`` says whether through a relay."""

    def on_webrtc_disconnected(self, ctx: Context, event: PeerEvent) -> None:
        """A WebRTC connection to a peer is gone, or, with status RECOVERING, being rebuilt."""

    def on_credential_renewed(self, ctx: Context, event: CredentialEvent) -> None:
        """The node has a new credential."""

    def on_credential_expiring(self, ctx: Context, event: CredentialEvent) -> None:
        """The node's credential ends soon."""

    def on_mailbox_backpressure(self, ctx: Context, event: BackpressureEvent) -> None:
        """More messages wait than the node likes."""


def observer(kind: C) -> C:
    """Make a class the observer of this module: the hooks it overrides are its hooks."""
    register_class(kind, Observer)
    return kind
