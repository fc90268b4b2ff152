//! Every hook logs its name and its event's length; some use a capability besides.

wit_bindgen::generate!({ world: "observer", path: "../../../wit", generate_all });

use exports::wasmhost::observer::{credential, lifecycle, mailbox, signaling, webrtc, websocket};
use wasmhost::observer::{config, delivery, log, metrics, report, state};

struct Guest;

fn heard(hook: &str, event: &[u8]) {
    log::write(log::Level::Info, &format!("{hook} {}", event.len()));
}

impl lifecycle::Guest for Guest {
    fn on_start(event: Vec<u8>) -> Result<(), String> {
        heard("on_start", &event);
        Ok(())
    }
    fn on_ready(event: Vec<u8>) -> Result<(), String> {
        heard("on_ready", &event);
        Err("nicht bereit: é 🙂".into())
    }
    fn on_stop(event: Vec<u8>) -> Result<(), String> {
        heard("on_stop", &event);
        Ok(())
    }
    fn on_error(event: Vec<u8>) -> Result<(), String> {
        heard("on_error", &event);
        Ok(())
    }
}

impl signaling::Guest for Guest {
    fn on_signaling_connecting(event: Vec<u8>) {
        heard("on_signaling_connecting", &event);
    }
    fn on_signaling_connected(event: Vec<u8>) {
        heard("on_signaling_connected", &event);
        log::write(log::Level::Debug, &format!("{:?} {:?}", config::get("größe"), config::get("none")));
    }
    fn on_signaling_disconnected(event: Vec<u8>) {
        heard("on_signaling_disconnected", &event);
    }
}

impl websocket::Guest for Guest {
    fn on_websocket_connecting(event: Vec<u8>) {
        heard("on_websocket_connecting", &event);
    }
    fn on_websocket_connected(event: Vec<u8>) {
        heard("on_websocket_connected", &event);
    }
    fn on_websocket_disconnected(event: Vec<u8>) {
        heard("on_websocket_disconnected", &event);
    }
}

impl webrtc::Guest for Guest {
    fn on_webrtc_connecting(event: Vec<u8>) {
        heard("on_webrtc_connecting", &event);
    }
    fn on_webrtc_connected(event: Vec<u8>) {
        heard("on_webrtc_connected", &event);
        report::send("connected", &[0x01]);
    }
    fn on_webrtc_disconnected(event: Vec<u8>) {
        heard("on_webrtc_disconnected", &event);
    }
}

impl credential::Guest for Guest {
    fn on_credential_renewed(event: Vec<u8>) {
        heard("on_credential_renewed", &event);
        metrics::counter_add("renewed", u64::MAX);
        metrics::gauge_set("half", 0.5);
    }
    fn on_credential_expiring(event: Vec<u8>) {
        heard("on_credential_expiring", &event);
    }
}

impl mailbox::Guest for Guest {
    fn on_mailbox_backpressure(event: Vec<u8>) {
        heard("on_mailbox_backpressure", &event);
        let before = state::load().map(|blob| blob.len());
        state::save(&delivery::sequence().to_le_bytes());
        log::write(log::Level::Warn, &format!("{before:?} {}", state::load().map_or(0, |blob| blob.len())));
    }
}

export!(Guest);
