//! The trait that an observer implements.

use crate::events::{
    BackpressureEvent, Context, CredentialEvent, ErrorEvent, PeerEvent, SignalingEvent,
};

/// An observer of a node's events. See [`observer`](crate::observer) for how one becomes a module.
///
/// Every hook has an empty body to begin with, but only those that an `impl` has are exported, and the host
/// never calls another.
#[allow(unused_variables)] // the names of the parameters are for who writes a hook
pub trait Observer: Sized {
    /// Make the observer: called once in a sandbox, within its first hook. The place to read
    /// [`config`](crate::config) and [`state`](crate::state).
    fn new() -> Self;

    /// The node starts; it may have no peers yet.
    fn on_start(&mut self, ctx: &Context) -> Result<(), String> {
        Ok(())
    }

    /// The node is ready to serve.
    fn on_ready(&mut self, ctx: &Context) -> Result<(), String> {
        Ok(())
    }

    /// The node stops.
    fn on_stop(&mut self, ctx: &Context) -> Result<(), String> {
        Ok(())
    }

    /// Something went wrong in the node.
    fn on_error(&mut self, ctx: &Context, event: &ErrorEvent) -> Result<(), String> {
        Ok(())
    }

    /// The node dials the signaling server; it may have no identity yet.
    fn on_signaling_connecting(&mut self, ctx: Option<&Context>, event: &SignalingEvent) {}

    /// The signaling connection stands; the node may have no identity yet.
    fn on_signaling_connected(&mut self, ctx: Option<&Context>) {}

    /// The signaling connection is lost.
    fn on_signaling_disconnected(&mut self, ctx: &Context) {}

    /// A WebSocket connection to a peer is being made.
    fn on_websocket_connecting(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// A WebSocket connection to a peer stands.
    fn on_websocket_connected(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// A WebSocket connection to a peer is gone.
    fn on_websocket_disconnected(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// A WebRTC connection to a peer is being made.
    fn on_webrtc_connecting(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// A WebRTC connection to a peer stands; [`PeerEvent::relayed`] says whether through a relay.
    fn on_webrtc_connected(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// A WebRTC connection to a peer is gone, or, with status `Recovering`, being rebuilt.
    fn on_webrtc_disconnected(&mut self, ctx: &Context, event: &PeerEvent) {}

    /// The node has a new credential.
    fn on_credential_renewed(&mut self, ctx: &Context, event: &CredentialEvent) {}

    /// The node's credential ends soon.
    fn on_credential_expiring(&mut self, ctx: &Context, event: &CredentialEvent) {}

    /// More messages wait than the node likes.
    fn on_mailbox_backpressure(&mut self, ctx: &Context, event: &BackpressureEvent) {}
}
