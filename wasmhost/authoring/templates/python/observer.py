"""{{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay."""

from wasmhost_observer import Context, PeerEvent, hook, log, metrics, report


@hook
def on_webrtc_connected(_: Context, event: PeerEvent) -> None:
    """Tell of a connection."""
    log.info(f"connected to {event.peer.type.name}")

    # A node need not say whether a connection is relayed.
    relayed = event.relayed or False
    if relayed:
        metrics.counter_add("relayed")
    report.send("connected", {"peer": event.peer.serial_number, "relayed": relayed})
