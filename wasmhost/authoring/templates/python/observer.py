"""{{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay."""

from wasmhost_observer import Context, Observer, PeerEvent, log, metrics, observer, report


@observer
class {{camel}}(Observer):
    def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
        log.info(f"connected to {event.peer.type.name}")

        # A node need not say whether a connection is relayed.
        relayed = event.relayed or False
        if relayed:
            metrics.counter_add("relayed")
        report.send("connected", {"peer": event.peer.serial_number, "relayed": relayed})
