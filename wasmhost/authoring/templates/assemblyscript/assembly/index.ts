// {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay.

import { Context, PeerEvent, Writer, log, metrics, report } from "wasmhost";

export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {
  log.write(log.Level.Info, "connected to " + event.peer.type.name);

  // A node need not say whether a connection is relayed.
  const relayed = event.hasRelayed && event.relayed;
  if (relayed) metrics.counterAdd("relayed", 1);

  const body = new Writer().map(2);
  body.text("peer").uint(event.peer.serialNumber);
  body.text("relayed").bool(relayed);
  report.send("connected", body);
}
