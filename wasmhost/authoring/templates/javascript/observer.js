/** {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay. */

import { log, metrics, observer, report } from "wasmhost-observer";

export default observer({
  onWebrtcConnected(ctx, event) {
    log.info(`connected to ${event.peer.type.name}`);

    // A node need not say whether a connection is relayed.
    const relayed = event.relayed ?? false;
    if (relayed) metrics.counterAdd("relayed", 1);
    report.send("connected", { peer: event.peer.serialNumber, relayed });
  },
});
