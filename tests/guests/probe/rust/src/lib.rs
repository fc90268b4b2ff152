//! The probe of ../README.md in Rust.

use wasmhost_observer::{
    ActrId, BackpressureEvent, Context, CredentialEvent, ErrorCategory, ErrorEvent, Observer,
    PeerEvent, PeerStatus, SignalingEvent, Writer, config, delivery, log, metrics, observer,
    report, state,
};

struct Probe;

#[observer]
impl Observer for Probe {
    fn new() -> Self {
        Probe
    }

    fn on_start(&mut self, ctx: &Context) -> Result<(), String> {
        if let Some(words) = config::get("panic") {
            panic!("{words}");
        }
        seen(Some(ctx), nothing);
        Ok(())
    }

    fn on_ready(&mut self, _: &Context) -> Result<(), String> {
        use_capabilities();
        Ok(())
    }

    fn on_stop(&mut self, ctx: &Context) -> Result<(), String> {
        seen(Some(ctx), nothing);
        config::get("error").map_or(Ok(()), Err)
    }

    fn on_error(&mut self, ctx: &Context, event: &ErrorEvent) -> Result<(), String> {
        seen(Some(ctx), |out| {
            let stream = event.stream();
            out.map(4 + u64::from(stream.is_some()));
            out.text("at").uint(event.at());
            out.text("source").map(2);
            out.text("kind").text(event.source().kind());
            out.text("message").text(event.source().message());
            if let Some(stream) = stream {
                out.text("stream").map(3);
                out.text("reason").text(stream.reason());
                out.text("stream-id").text(stream.stream_id());
                out.text("session-id").uint(stream.session_id());
            }
            out.text("context").text(event.context());
            out.text("category").text(category(event.category()));
        });
        Ok(())
    }

    fn on_signaling_connecting(&mut self, ctx: Option<&Context>, event: &SignalingEvent) {
        seen(ctx, |out| {
            let attempt = event.attempt();
            out.map(attempt.is_some().into());
            if let Some(attempt) = attempt {
                out.text("attempt").uint(attempt.into());
            }
        });
    }

    fn on_signaling_connected(&mut self, ctx: Option<&Context>) {
        seen(ctx, nothing);
    }

    fn on_signaling_disconnected(&mut self, ctx: &Context) {
        seen(Some(ctx), nothing);
    }

    fn on_websocket_connecting(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_websocket_connected(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_websocket_disconnected(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_webrtc_connecting(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_webrtc_connected(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_webrtc_disconnected(&mut self, ctx: &Context, event: &PeerEvent) {
        peer(ctx, event);
    }

    fn on_credential_renewed(&mut self, ctx: &Context, event: &CredentialEvent) {
        credential(ctx, event);
    }

    fn on_credential_expiring(&mut self, ctx: &Context, event: &CredentialEvent) {
        credential(ctx, event);
    }

    fn on_mailbox_backpressure(&mut self, ctx: &Context, event: &BackpressureEvent) {
        seen(Some(ctx), |out| {
            out.map(2);
            out.text("queue-len").uint(event.queue_len());
            out.text("threshold").uint(event.threshold());
        });
    }
}

fn seen(ctx: Option<&Context>, write_event: impl FnOnce(&mut Writer)) {
    if config::get("mode").is_some() {
        use_capabilities();
    }
    let source = delivery::source();
    let mut out = Writer::new();
    out.map(1 + u64::from(ctx.is_some()) + u64::from(source.is_some()));
    if let Some(ctx) = ctx {
        let caller = ctx.caller_id();
        out.text("ctx").map(2 + u64::from(caller.is_some()));
        write_id(&mut out, "self-id", &ctx.self_id());
        if let Some(caller) = caller {
            write_id(&mut out, "caller-id", &caller);
        }
        out.text("request-id").text(ctx.request_id());
    }
    if let Some(source) = source {
        out.text("src").text(&source);
    }
    out.text("event");
    write_event(&mut out);
    report::send("seen", &out);
}

fn nothing(out: &mut Writer) {
    out.map(0);
}

fn write_id(out: &mut Writer, key: &str, id: &ActrId) {
    let actr_type = id.actr_type();
    out.text(key).map(3);
    out.text("type").map(3);
    out.text("name").text(actr_type.name());
    out.text("version").text(actr_type.version());
    out.text("manufacturer").text(actr_type.manufacturer());
    out.text("realm")
        .map(1)
        .text("realm-id")
        .uint(id.realm().realm_id().into());
    out.text("serial-number").uint(id.serial_number());
}

fn peer(ctx: &Context, event: &PeerEvent) {
    seen(Some(ctx), |out| {
        let (status, relayed) = (event.status(), event.relayed());
        out.map(1 + u64::from(status.is_some()) + u64::from(relayed.is_some()));
        write_id(out, "peer", &event.peer());
        if let Some(status) = status {
            out.text("status").text(status_name(status));
        }
        if let Some(relayed) = relayed {
            out.text("relayed").bool(relayed);
        }
    });
}

fn credential(ctx: &Context, event: &CredentialEvent) {
    seen(Some(ctx), |out| {
        _ = out.map(1).text("new-expiry").uint(event.new_expiry())
    });
}

fn status_name(status: PeerStatus) -> &'static str {
    match status {
        PeerStatus::Idle => "idle",
        PeerStatus::Connecting => "connecting",
        PeerStatus::Connected => "connected",
        PeerStatus::Recovering => "recovering",
    }
}

fn category(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::HandlerPanic => "handler-panic",
        ErrorCategory::HandlerError => "handler-error",
        ErrorCategory::SignalingFailure => "signaling-failure",
        ErrorCategory::TransportFailure => "transport-failure",
        ErrorCategory::DataStreamDeliveryUncertain => "data-stream-delivery-uncertain",
    }
}

fn use_capabilities() {
    log::write(log::Level::Trace, "trace");
    log::write(log::Level::Debug, "debug");
    log::write(log::Level::Info, "info");
    log::write(log::Level::Warn, "warn");
    log::write(log::Level::Error, "error ✓");
    metrics::counter_add("ready", u64::MAX);
    metrics::gauge_set("half", 0.5);
    match state::load() {
        Some(blob) => state::save(&[&blob[..], b"!"].concat()),
        None => state::save(b"?"),
    }
    report_delivery();
    report_config();
    obey();
}

/// Goes wrong as the operator says.
fn obey() {
    match config::get("mode").as_deref() {
        Some("panic") => panic!("as told"),
        Some("loop") => loop {
            std::hint::spin_loop();
        },
        Some("grow") => {
            let mut kept = Vec::new();
            loop {
                kept.push(std::hint::black_box(vec![1_u8; 65_536]));
            }
        }
        _ => {}
    }
}

fn report_delivery() {
    let mut out = Writer::new();
    out.map(5);
    out.text("now").uint(delivery::now());
    out.text("lost").uint(delivery::lost());
    out.text("random").uint(delivery::random());
    out.text("source")
        .text(&delivery::source().unwrap_or_default());
    out.text("sequence").uint(delivery::sequence());
    report::send("delivery", &out);
}

fn report_config() {
    let mut out = Writer::new();
    out.map(2);
    out.text("value")
        .text(&config::get("value").unwrap_or_default());
    out.text("number").uint(config::number("number", 7));
    report::send("config", &out);
}
