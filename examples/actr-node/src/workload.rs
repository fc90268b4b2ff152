//! What the node runs: it answers calls, and passes each of its sixteen hooks on to wasmhost.
//!
//! The crates call hooks on four dispatchers of their own, so only those of one category come in order; the
//! emitter keeps the order in which they came. None of them waits here.

use std::time::Duration;

use actr_framework::{
    BackpressureEvent, Bytes, Context, CredentialEvent, ErrorEvent, MessageDispatcher, PeerEvent,
    Workload,
};
use actr_protocol::{ActorResult, ActrError, RpcEnvelope};
use async_trait::async_trait;
use wasmhost_emit::{Emitter, HookEvent, nanos};

use crate::told::{backpressure, context, error, peer};

/// The one call that a node answers.
pub const ECHO: &str = "echo";

/// A workload that echoes, and tells what happens to its node.
pub struct Observed {
    pub emitter: Emitter,
    /// How long it takes to answer.
    pub handle: Duration,
}

impl Observed {
    fn tell<C: Context>(&self, ctx: &C, event: &HookEvent<'_>) {
        self.emitter.emit(event, Some(&context(ctx)));
    }

    /// For the hooks that come before the node has an identity.
    fn tell_early<C: Context>(&self, ctx: Option<&C>, event: &HookEvent<'_>) {
        self.emitter.emit(event, ctx.map(context).as_ref());
    }
}

#[async_trait]
impl Workload for Observed {
    type Dispatcher = Echo;

    async fn on_start<C: Context>(&self, ctx: &C) -> ActorResult<()> {
        self.tell(ctx, &HookEvent::Start);
        Ok(())
    }

    async fn on_ready<C: Context>(&self, ctx: &C) -> ActorResult<()> {
        self.tell(ctx, &HookEvent::Ready);
        Ok(())
    }

    async fn on_stop<C: Context>(&self, ctx: &C) -> ActorResult<()> {
        self.tell(ctx, &HookEvent::Stop);
        Ok(())
    }

    async fn on_error<C: Context>(&self, ctx: &C, event: &ErrorEvent) -> ActorResult<()> {
        let message = event.source.to_string();
        self.tell(ctx, &HookEvent::Error(error(event, &message)));
        Ok(())
    }

    async fn on_signaling_connecting<C: Context>(&self, ctx: Option<&C>) {
        self.tell_early(ctx, &HookEvent::SignalingConnecting { attempt: None });
    }

    async fn on_signaling_connected<C: Context>(&self, ctx: Option<&C>) {
        self.tell_early(ctx, &HookEvent::SignalingConnected);
    }

    async fn on_signaling_disconnected<C: Context>(&self, ctx: &C) {
        self.tell(ctx, &HookEvent::SignalingDisconnected);
    }

    async fn on_websocket_connecting<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebSocketConnecting(peer(event)));
    }

    async fn on_websocket_connected<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebSocketConnected(peer(event)));
    }

    async fn on_websocket_disconnected<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebSocketDisconnected(peer(event)));
    }

    async fn on_webrtc_connecting<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebRtcConnecting(peer(event)));
    }

    async fn on_webrtc_connected<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebRtcConnected(peer(event)));
    }

    async fn on_webrtc_disconnected<C: Context>(&self, ctx: &C, event: &PeerEvent) {
        self.tell(ctx, &HookEvent::WebRtcDisconnected(peer(event)));
    }

    async fn on_credential_renewed<C: Context>(&self, ctx: &C, event: &CredentialEvent) {
        self.tell(
            ctx,
            &HookEvent::CredentialRenewed {
                new_expiry: nanos(event.new_expiry),
            },
        );
    }

    async fn on_credential_expiring<C: Context>(&self, ctx: &C, event: &CredentialEvent) {
        self.tell(
            ctx,
            &HookEvent::CredentialExpiring {
                new_expiry: nanos(event.new_expiry),
            },
        );
    }

    async fn on_mailbox_backpressure<C: Context>(&self, ctx: &C, event: &BackpressureEvent) {
        self.tell(ctx, &backpressure(event));
    }
}

/// The way from a call to its answer.
pub struct Echo;

#[async_trait]
impl MessageDispatcher for Echo {
    type Workload = Observed;

    async fn dispatch<C: Context>(
        workload: &Observed,
        envelope: RpcEnvelope,
        _ctx: &C,
    ) -> ActorResult<Bytes> {
        if envelope.route_key != ECHO {
            return Err(ActrError::UnknownRoute(envelope.route_key));
        }
        tokio::time::sleep(workload.handle).await;
        Ok(envelope.payload.unwrap_or_default())
    }
}
