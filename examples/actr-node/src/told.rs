//! From the node's own records to those that go to wasmhost. Nothing is copied but what has to be put into words.

use actr_framework::{
    BackpressureEvent, Context, ErrorCategory, ErrorEvent, PeerEvent, WebRtcPeerStatus,
};
use actr_protocol::{ActrError, ActrId};
use wasmhost_emit as emit;

pub fn actr_id(id: &ActrId) -> emit::ActrId<'_> {
    emit::ActrId {
        realm: id.realm.realm_id,
        serial_number: id.serial_number,
        kind: emit::ActrType {
            manufacturer: &id.r#type.manufacturer,
            name: &id.r#type.name,
            version: &id.r#type.version,
        },
    }
}

pub fn context<C: Context>(ctx: &C) -> emit::Context<'_> {
    emit::Context {
        self_id: actr_id(ctx.self_id()),
        caller_id: ctx.caller_id().map(actr_id),
        request_id: ctx.request_id(),
    }
}

pub fn peer(event: &PeerEvent) -> emit::PeerEvent<'_> {
    let status = event.status.map(|status| match status {
        WebRtcPeerStatus::Idle => emit::PeerStatus::Idle,
        WebRtcPeerStatus::Connecting => emit::PeerStatus::Connecting,
        WebRtcPeerStatus::Connected => emit::PeerStatus::Connected,
        WebRtcPeerStatus::Recovering => emit::PeerStatus::Recovering,
    });
    emit::PeerEvent {
        peer: actr_id(&event.peer),
        relayed: event.relayed,
        status,
    }
}

pub fn backpressure(event: &BackpressureEvent) -> emit::HookEvent<'static> {
    emit::HookEvent::MailboxBackpressure {
        queue_len: event.queue_len as u64,
        threshold: event.threshold as u64,
    }
}

/// An error, with what it says of itself.
pub fn error<'a>(event: &'a ErrorEvent, message: &'a str) -> emit::ErrorEvent<'a> {
    emit::ErrorEvent {
        source: emit::ErrorSource {
            kind: kind(&event.source),
            message,
        },
        category: match event.category {
            ErrorCategory::HandlerPanic => emit::ErrorCategory::HandlerPanic,
            ErrorCategory::HandlerError => emit::ErrorCategory::HandlerError,
            ErrorCategory::SignalingFailure => emit::ErrorCategory::SignalingFailure,
            ErrorCategory::TransportFailure => emit::ErrorCategory::TransportFailure,
            ErrorCategory::DataChunkDeliveryUncertain => {
                emit::ErrorCategory::DataStreamDeliveryUncertain
            }
        },
        context: &event.context,
        at: emit::nanos(event.timestamp),
        stream: None,
    }
}

fn kind(error: &ActrError) -> &'static str {
    match error {
        ActrError::Unavailable(_) => "unavailable",
        ActrError::ConnectionNotReady(_) => "connection-not-ready",
        ActrError::TimedOut => "timed-out",
        ActrError::NotFound(_) => "not-found",
        ActrError::PermissionDenied(_) => "permission-denied",
        ActrError::InvalidArgument(_) => "invalid-argument",
        ActrError::UnknownRoute(_) => "unknown-route",
        ActrError::DependencyNotFound { .. } => "dependency-not-found",
        ActrError::DecodeFailure(_) => "decode-failure",
        ActrError::NotImplemented(_) => "not-implemented",
        ActrError::Internal(_) => "internal",
    }
}
