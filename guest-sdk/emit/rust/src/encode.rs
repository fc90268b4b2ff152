//! From an event to the bytes that travel: core deterministic CBOR (RFC 8949, section 4.2.1).
//!
//! A map's keys stand in the order of their encoded bytes, so short ones come first. Each function below
//! writes them in that order; a test compares with what the host's own encoder writes.

use crate::cbor::{boolean, map, text, uint};
use crate::records::{
    ActrId, Context, ErrorCategory, ErrorEvent, HookEvent, PeerEvent, PeerStatus,
};

/// No event may take more: the host would not have it.
pub const MAX_EVENT_BYTES: usize = 65_536;

/// Append a hook-event to `out`.
///
/// `seq` numbers the events of a source, `at` is Unix time in nanoseconds. `src` names the source; it is left
/// out where the hello of the connection says so. Nothing is checked: an event over [`MAX_EVENT_BYTES`], which
/// only its texts can make of it, is the caller's to see.
pub fn encode_event(
    out: &mut Vec<u8>,
    event: &HookEvent<'_>,
    seq: u64,
    at: u64,
    ctx: Option<&Context<'_>>,
    src: Option<&str>,
) {
    map(out, 4 + u8::from(ctx.is_some()) + u8::from(src.is_some()));
    text(out, "at");
    uint(out, at);
    if let Some(ctx) = ctx {
        text(out, "ctx");
        context(out, ctx);
    }
    text(out, "seq");
    uint(out, seq);
    if let Some(src) = src {
        text(out, "src");
        text(out, src);
    }
    text(out, "hook");
    text(out, hook(event));
    text(out, "event");
    payload(out, event);
}

/// The name of the hook an event belongs to.
pub fn hook(event: &HookEvent<'_>) -> &'static str {
    match event {
        HookEvent::Start => "on_start",
        HookEvent::Ready => "on_ready",
        HookEvent::Stop => "on_stop",
        HookEvent::Error(_) => "on_error",
        HookEvent::SignalingConnecting { .. } => "on_signaling_connecting",
        HookEvent::SignalingConnected => "on_signaling_connected",
        HookEvent::SignalingDisconnected => "on_signaling_disconnected",
        HookEvent::WebSocketConnecting(_) => "on_websocket_connecting",
        HookEvent::WebSocketConnected(_) => "on_websocket_connected",
        HookEvent::WebSocketDisconnected(_) => "on_websocket_disconnected",
        HookEvent::WebRtcConnecting(_) => "on_webrtc_connecting",
        HookEvent::WebRtcConnected(_) => "on_webrtc_connected",
        HookEvent::WebRtcDisconnected(_) => "on_webrtc_disconnected",
        HookEvent::CredentialRenewed { .. } => "on_credential_renewed",
        HookEvent::CredentialExpiring { .. } => "on_credential_expiring",
        HookEvent::MailboxBackpressure { .. } => "on_mailbox_backpressure",
    }
}

fn payload(out: &mut Vec<u8>, event: &HookEvent<'_>) {
    match event {
        HookEvent::Error(event) => error(out, event),
        HookEvent::SignalingConnecting {
            attempt: Some(attempt),
        } => {
            map(out, 1);
            text(out, "attempt");
            uint(out, (*attempt).into());
        }
        HookEvent::Start
        | HookEvent::Ready
        | HookEvent::Stop
        | HookEvent::SignalingConnecting { attempt: None }
        | HookEvent::SignalingConnected
        | HookEvent::SignalingDisconnected => map(out, 0),
        HookEvent::WebSocketConnecting(event)
        | HookEvent::WebSocketConnected(event)
        | HookEvent::WebSocketDisconnected(event)
        | HookEvent::WebRtcConnecting(event)
        | HookEvent::WebRtcConnected(event)
        | HookEvent::WebRtcDisconnected(event) => peer(out, event),
        HookEvent::CredentialRenewed { new_expiry }
        | HookEvent::CredentialExpiring { new_expiry } => {
            map(out, 1);
            text(out, "new-expiry");
            uint(out, *new_expiry);
        }
        HookEvent::MailboxBackpressure {
            queue_len,
            threshold,
        } => {
            map(out, 2);
            text(out, "queue-len");
            uint(out, *queue_len);
            text(out, "threshold");
            uint(out, *threshold);
        }
    }
}

fn context(out: &mut Vec<u8>, ctx: &Context<'_>) {
    map(out, 2 + u8::from(ctx.caller_id.is_some()));
    text(out, "self-id");
    actr_id(out, &ctx.self_id);
    if let Some(caller) = &ctx.caller_id {
        text(out, "caller-id");
        actr_id(out, caller);
    }
    text(out, "request-id");
    text(out, ctx.request_id);
}

fn actr_id(out: &mut Vec<u8>, id: &ActrId<'_>) {
    map(out, 3);
    text(out, "type");
    map(out, 3);
    text(out, "name");
    text(out, id.kind.name);
    text(out, "version");
    text(out, id.kind.version);
    text(out, "manufacturer");
    text(out, id.kind.manufacturer);
    text(out, "realm");
    map(out, 1);
    text(out, "realm-id");
    uint(out, id.realm.into());
    text(out, "serial-number");
    uint(out, id.serial_number);
}

fn peer(out: &mut Vec<u8>, event: &PeerEvent<'_>) {
    map(
        out,
        1 + u8::from(event.status.is_some()) + u8::from(event.relayed.is_some()),
    );
    text(out, "peer");
    actr_id(out, &event.peer);
    if let Some(status) = event.status {
        text(out, "status");
        text(out, status_name(status));
    }
    if let Some(relayed) = event.relayed {
        text(out, "relayed");
        boolean(out, relayed);
    }
}

fn error(out: &mut Vec<u8>, event: &ErrorEvent<'_>) {
    map(out, 4 + u8::from(event.stream.is_some()));
    text(out, "at");
    uint(out, event.at);
    text(out, "source");
    map(out, 2);
    text(out, "kind");
    text(out, event.source.kind);
    text(out, "message");
    text(out, event.source.message);
    if let Some(stream) = &event.stream {
        text(out, "stream");
        map(out, 3);
        text(out, "reason");
        text(out, stream.reason);
        text(out, "stream-id");
        text(out, stream.stream_id);
        text(out, "session-id");
        uint(out, stream.session_id);
    }
    text(out, "context");
    text(out, event.context);
    text(out, "category");
    text(out, category_name(event.category));
}

fn status_name(status: PeerStatus) -> &'static str {
    match status {
        PeerStatus::Idle => "idle",
        PeerStatus::Connecting => "connecting",
        PeerStatus::Connected => "connected",
        PeerStatus::Recovering => "recovering",
    }
}

fn category_name(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::HandlerPanic => "handler-panic",
        ErrorCategory::HandlerError => "handler-error",
        ErrorCategory::SignalingFailure => "signaling-failure",
        ErrorCategory::TransportFailure => "transport-failure",
        ErrorCategory::DataStreamDeliveryUncertain => "data-stream-delivery-uncertain",
    }
}
