//! The bytes are those of `wit/wire-vectors.json`, to which the host and the other emitters hold as well.

use std::fs;
use std::path::Path;

use serde_json::Value;
use wasmhost_emit::{
    ActrId, ActrType, Context, ErrorCategory, ErrorEvent, ErrorSource, HookEvent, PeerEvent,
    PeerStatus, StreamInfo, encode_event, hook,
};

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../wit/wire-vectors.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text at {key} of {value}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("no number at {key} of {value}"))
}

fn actr_id(value: &Value) -> ActrId<'_> {
    let kind = &value["type"];
    ActrId {
        realm: u32::try_from(number(&value["realm"], "realm-id")).unwrap(),
        serial_number: number(value, "serial-number"),
        kind: ActrType {
            manufacturer: text(kind, "manufacturer"),
            name: text(kind, "name"),
            version: text(kind, "version"),
        },
    }
}

fn context(value: &Value) -> Context<'_> {
    Context {
        self_id: actr_id(&value["self-id"]),
        caller_id: value.get("caller-id").map(actr_id),
        request_id: text(value, "request-id"),
    }
}

fn peer(value: &Value) -> PeerEvent<'_> {
    PeerEvent {
        peer: actr_id(&value["peer"]),
        relayed: value.get("relayed").and_then(Value::as_bool),
        status: value
            .get("status")
            .and_then(Value::as_str)
            .map(|status| match status {
                "idle" => PeerStatus::Idle,
                "connecting" => PeerStatus::Connecting,
                "connected" => PeerStatus::Connected,
                "recovering" => PeerStatus::Recovering,
                other => panic!("a status of another contract: {other}"),
            }),
    }
}

fn error(value: &Value) -> ErrorEvent<'_> {
    ErrorEvent {
        source: ErrorSource {
            kind: text(&value["source"], "kind"),
            message: text(&value["source"], "message"),
        },
        category: match text(value, "category") {
            "handler-panic" => ErrorCategory::HandlerPanic,
            "handler-error" => ErrorCategory::HandlerError,
            "signaling-failure" => ErrorCategory::SignalingFailure,
            "transport-failure" => ErrorCategory::TransportFailure,
            "data-stream-delivery-uncertain" => ErrorCategory::DataStreamDeliveryUncertain,
            other => panic!("a category of another contract: {other}"),
        },
        context: text(value, "context"),
        at: number(value, "at"),
        stream: value.get("stream").map(|stream| StreamInfo {
            stream_id: text(stream, "stream-id"),
            session_id: number(stream, "session-id"),
            reason: text(stream, "reason"),
        }),
    }
}

/// The event a vector stands for; none if it is of a hook that this emitter does not have.
fn event(value: &Value) -> Option<HookEvent<'_>> {
    let payload = &value["event"];
    Some(match text(value, "hook") {
        "on_start" => HookEvent::Start,
        "on_ready" => HookEvent::Ready,
        "on_stop" => HookEvent::Stop,
        "on_error" => HookEvent::Error(error(payload)),
        "on_signaling_connecting" => HookEvent::SignalingConnecting {
            attempt: payload
                .get("attempt")
                .map(|attempt| u32::try_from(attempt.as_u64().unwrap()).unwrap()),
        },
        "on_signaling_connected" => HookEvent::SignalingConnected,
        "on_signaling_disconnected" => HookEvent::SignalingDisconnected,
        "on_websocket_connecting" => HookEvent::WebSocketConnecting(peer(payload)),
        "on_websocket_connected" => HookEvent::WebSocketConnected(peer(payload)),
        "on_websocket_disconnected" => HookEvent::WebSocketDisconnected(peer(payload)),
        "on_webrtc_connecting" => HookEvent::WebRtcConnecting(peer(payload)),
        "on_webrtc_connected" => HookEvent::WebRtcConnected(peer(payload)),
        "on_webrtc_disconnected" => HookEvent::WebRtcDisconnected(peer(payload)),
        "on_credential_renewed" => HookEvent::CredentialRenewed {
            new_expiry: number(payload, "new-expiry"),
        },
        "on_credential_expiring" => HookEvent::CredentialExpiring {
            new_expiry: number(payload, "new-expiry"),
        },
        "on_mailbox_backpressure" => HookEvent::MailboxBackpressure {
            queue_len: number(payload, "queue-len"),
            threshold: number(payload, "threshold"),
        },
        _ => return None,
    })
}

#[test]
fn an_event_is_encoded_as_everybody_encodes_it() {
    let vectors = vectors();
    let mut hooks = Vec::new();
    for vector in vectors["events"].as_array().unwrap() {
        let value = &vector["value"];
        let Some(event) = event(value) else { continue };
        let mut out = Vec::new();
        let ctx = value.get("ctx").map(context);
        let src = value.get("src").and_then(Value::as_str);
        encode_event(
            &mut out,
            &event,
            number(value, "seq"),
            number(value, "at"),
            ctx.as_ref(),
            src,
        );
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, text(vector, "cbor"), "{}", text(vector, "name"));
        hooks.push(hook(&event));
    }
    hooks.sort_unstable();
    hooks.dedup();
    assert_eq!(hooks.len(), 16, "a hook is missing: {hooks:?}");
}
