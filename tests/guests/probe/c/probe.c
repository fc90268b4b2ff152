/* The probe of ../README.md in C. */
#include "wasmhost_observer.h"

static void key(wh_buffer *out, wh_string name) { wh_cbor_text(out, name); }

static void put_text(wh_buffer *out, wh_string name, wh_string value) {
  key(out, name);
  wh_cbor_text(out, value);
}

static void put_uint(wh_buffer *out, wh_string name, uint64_t value) {
  key(out, name);
  wh_cbor_uint(out, value);
}

static void put_id(wh_buffer *out, wh_string name, const wh_actr_id *id) {
  key(out, name);
  wh_cbor_map(out, 3);
  key(out, WH_STR("type"));
  wh_cbor_map(out, 3);
  put_text(out, WH_STR("name"), id->type.name);
  put_text(out, WH_STR("version"), id->type.version);
  put_text(out, WH_STR("manufacturer"), id->type.manufacturer);
  key(out, WH_STR("realm"));
  wh_cbor_map(out, 1);
  put_uint(out, WH_STR("realm-id"), id->realm.realm_id);
  put_uint(out, WH_STR("serial-number"), id->serial_number);
}

static void use_capabilities(void);

/* Everything but the payload, which the caller writes behind it. */
static wh_buffer seen(const wh_context *ctx) {
  wh_buffer out = {0};
  wh_string mode, source;
  if (wh_config_get(WH_STR("mode"), &mode)) {
    use_capabilities();
  }
  const bool has_source = wh_delivery_source(&source);
  wh_cbor_map(&out, 1 + (ctx != NULL) + has_source);
  if (ctx != NULL) {
    key(&out, WH_STR("ctx"));
    wh_cbor_map(&out, 2 + ctx->has_caller_id);
    put_id(&out, WH_STR("self-id"), &ctx->self_id);
    if (ctx->has_caller_id) {
      put_id(&out, WH_STR("caller-id"), &ctx->caller_id);
    }
    put_text(&out, WH_STR("request-id"), ctx->request_id);
  }
  if (has_source) {
    put_text(&out, WH_STR("src"), source);
  }
  key(&out, WH_STR("event"));
  return out;
}

static void send(const wh_buffer *out) { wh_report_send(WH_STR("seen"), wh_buffer_bytes(out)); }

static void nothing(const wh_context *ctx) {
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, 0);
  send(&out);
}

static void signaling(const wh_context *ctx, const wh_signaling_event *event) {
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, event->has_attempt);
  if (event->has_attempt) {
    put_uint(&out, WH_STR("attempt"), event->attempt);
  }
  send(&out);
}

static void peer(const wh_context *ctx, const wh_peer_event *event) {
  static const wh_string statuses[] = {
      [WH_PEER_IDLE] = {"idle", 4},
      [WH_PEER_CONNECTING] = {"connecting", 10},
      [WH_PEER_CONNECTED] = {"connected", 9},
      [WH_PEER_RECOVERING] = {"recovering", 10},
  };
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, 1 + event->has_status + event->has_relayed);
  put_id(&out, WH_STR("peer"), &event->peer);
  if (event->has_status) {
    put_text(&out, WH_STR("status"), statuses[event->status]);
  }
  if (event->has_relayed) {
    key(&out, WH_STR("relayed"));
    wh_cbor_bool(&out, event->relayed);
  }
  send(&out);
}

static void credential(const wh_context *ctx, const wh_credential_event *event) {
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, 1);
  put_uint(&out, WH_STR("new-expiry"), event->new_expiry);
  send(&out);
}

static void backpressure(const wh_context *ctx, const wh_backpressure_event *event) {
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, 2);
  put_uint(&out, WH_STR("queue-len"), event->queue_len);
  put_uint(&out, WH_STR("threshold"), event->threshold);
  send(&out);
}

static wh_result error(const wh_context *ctx, const wh_error_event *event) {
  static const wh_string categories[] = {
      [WH_HANDLER_PANIC] = {"handler-panic", 13},
      [WH_HANDLER_ERROR] = {"handler-error", 13},
      [WH_SIGNALING_FAILURE] = {"signaling-failure", 17},
      [WH_TRANSPORT_FAILURE] = {"transport-failure", 17},
      [WH_DATA_STREAM_DELIVERY_UNCERTAIN] = {"data-stream-delivery-uncertain", 30},
  };
  wh_buffer out = seen(ctx);
  wh_cbor_map(&out, 4 + event->has_stream);
  put_uint(&out, WH_STR("at"), event->at);
  key(&out, WH_STR("source"));
  wh_cbor_map(&out, 2);
  put_text(&out, WH_STR("kind"), event->source.kind);
  put_text(&out, WH_STR("message"), event->source.message);
  if (event->has_stream) {
    key(&out, WH_STR("stream"));
    wh_cbor_map(&out, 3);
    put_text(&out, WH_STR("reason"), event->stream.reason);
    put_text(&out, WH_STR("stream-id"), event->stream.stream_id);
    put_uint(&out, WH_STR("session-id"), event->stream.session_id);
  }
  put_text(&out, WH_STR("context"), event->context);
  put_text(&out, WH_STR("category"), categories[event->category]);
  send(&out);
  return wh_ok();
}

static wh_result start(const wh_context *ctx) {
  wh_string words;
  if (wh_config_get(WH_STR("panic"), &words)) {
    wh_panic(words);
  }
  nothing(ctx);
  return wh_ok();
}

static wh_result stop(const wh_context *ctx) {
  nothing(ctx);
  wh_string words;
  return wh_config_get(WH_STR("error"), &words) ? wh_error(words) : wh_ok();
}

static void use_state(void) {
  wh_bytes blob;
  wh_buffer next = {0};
  if (wh_state_load(&blob)) {
    wh_write_text(&next, (wh_string){(const char *)blob.data, blob.size});
    wh_write_text(&next, WH_STR("!"));
  } else {
    wh_write_text(&next, WH_STR("?"));
  }
  wh_state_save(wh_buffer_bytes(&next));
}

static void report_delivery(void) {
  wh_string source;
  wh_buffer out = {0};
  wh_cbor_map(&out, 5);
  put_uint(&out, WH_STR("now"), wh_delivery_now());
  put_uint(&out, WH_STR("lost"), wh_delivery_lost());
  put_uint(&out, WH_STR("random"), wh_delivery_random());
  put_text(&out, WH_STR("source"), wh_delivery_source(&source) ? source : WH_STR(""));
  put_uint(&out, WH_STR("sequence"), wh_delivery_sequence());
  wh_report_send(WH_STR("delivery"), wh_buffer_bytes(&out));
}

static void report_config(void) {
  wh_string value;
  wh_buffer out = {0};
  wh_cbor_map(&out, 2);
  put_text(&out, WH_STR("value"), wh_config_get(WH_STR("value"), &value) ? value : WH_STR(""));
  put_uint(&out, WH_STR("number"), wh_config_u64(WH_STR("number"), 7));
  wh_report_send(WH_STR("config"), wh_buffer_bytes(&out));
}

static bool is(wh_string text, wh_string other) {
  size_t same = 0;
  while (same < text.size && same < other.size && text.data[same] == other.data[same]) {
    same++;
  }
  return same == text.size && same == other.size;
}

/* Goes wrong as the operator says. */
static void obey(void) {
  wh_string mode;
  if (!wh_config_get(WH_STR("mode"), &mode)) {
    return;
  }
  if (is(mode, WH_STR("panic"))) {
    wh_panic(WH_STR("as told"));
  }
  if (is(mode, WH_STR("loop"))) {
    for (;;) {
    }
  }
  if (is(mode, WH_STR("grow"))) {
    for (wh_buffer kept = {0};;) {
      wh_write_text(&kept, WH_STR("more and more, more and more and more and more"));
    }
  }
}

static void use_capabilities(void) {
  wh_log(WH_TRACE, WH_STR("trace"));
  wh_log(WH_DEBUG, WH_STR("debug"));
  wh_log(WH_INFO, WH_STR("info"));
  wh_log(WH_WARN, WH_STR("warn"));
  wh_log(WH_ERROR, WH_STR("error ✓"));
  wh_metrics_counter_add(WH_STR("ready"), UINT64_MAX);
  wh_metrics_gauge_set(WH_STR("half"), 0.5);
  use_state();
  report_delivery();
  report_config();
  obey();
}

static wh_result ready(const wh_context *ctx) {
  (void)ctx;
  use_capabilities();
  return wh_ok();
}

WH_ON_START(start)
WH_ON_READY(ready)
WH_ON_STOP(stop)
WH_ON_ERROR(error)
WH_ON_SIGNALING_CONNECTING(signaling)
WH_ON_SIGNALING_CONNECTED(nothing)
WH_ON_SIGNALING_DISCONNECTED(nothing)
WH_ON_WEBSOCKET_CONNECTING(peer)
WH_ON_WEBSOCKET_CONNECTED(peer)
WH_ON_WEBSOCKET_DISCONNECTED(peer)
WH_ON_WEBRTC_CONNECTING(peer)
WH_ON_WEBRTC_CONNECTED(peer)
WH_ON_WEBRTC_DISCONNECTED(peer)
WH_ON_CREDENTIAL_RENEWED(credential)
WH_ON_CREDENTIAL_EXPIRING(credential)
WH_ON_MAILBOX_BACKPRESSURE(backpressure)
