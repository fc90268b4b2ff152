//! {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay.

use wasmhost_observer::{Context, Observer, PeerEvent, Writer, log, metrics, observer, report};

struct {{camel}};

#[observer]
impl Observer for {{camel}} {
    fn new() -> Self {
        {{camel}}
    }

    fn on_webrtc_connected(&mut self, _: &Context, event: &PeerEvent) {
        let peer = event.peer();
        let line = format!("connected to {}", peer.actr_type().name());
        log::write(log::Level::Info, &line);

        // A node need not say whether a connection is relayed.
        let relayed = event.relayed().unwrap_or(false);
        if relayed {
            metrics::counter_add("relayed", 1);
        }
        let mut body = Writer::new();
        body.map(2);
        body.text("peer").uint(peer.serial_number());
        body.text("relayed").bool(relayed);
        report::send("connected", &body);
    }
}
