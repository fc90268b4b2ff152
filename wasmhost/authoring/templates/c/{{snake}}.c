/* {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay. */
#include "wasmhost_observer.h"

static void report(const wh_actr_id *peer, bool relayed) {
  wh_buffer body = {0};
  wh_cbor_map(&body, 2);
  wh_cbor_text(&body, WH_STR("peer"));
  wh_cbor_uint(&body, peer->serial_number);
  wh_cbor_text(&body, WH_STR("relayed"));
  wh_cbor_bool(&body, relayed);
  wh_report_send(WH_STR("connected"), wh_buffer_bytes(&body));
}

static void connected(const wh_context *ctx, const wh_peer_event *event) {
  (void)ctx; /* who observed it: not needed here */
  wh_buffer line = {0};
  wh_write_text(&line, WH_STR("connected to "));
  wh_write_text(&line, event->peer.type.name);
  wh_log(WH_INFO, wh_buffer_string(&line));

  /* A node need not say whether a connection is relayed. */
  const bool relayed = event->has_relayed && event->relayed;
  if (relayed) {
    wh_metrics_counter_add(WH_STR("relayed"), 1);
  }
  report(&event->peer, relayed);
}
WH_ON_WEBRTC_CONNECTED(connected)
