/*
 * The guest of ../bindgen/src/lib.rs in C: every hook logs its name and its event's length; some use a
 * capability besides. The bindings are wit-bindgen's, made from wit/ alone, and the C library is that of
 * WASI, so this is also what a module looks like that knows nothing of wasmhost.
 */
#include "observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static char line[128];

static observer_string_t text(const char *characters) {
  observer_string_t string;
  observer_string_set(&string, characters);
  return string;
}

static void write_line(wasmhost_observer_log_level_t level) {
  observer_string_t message = text(line);
  wasmhost_observer_log_write(level, &message);
}

/* The event is ours, to be freed. */
#define HEARD(hook, event) heard(hook, (event)->ptr, (event)->len)
static void heard(const char *hook, uint8_t *event, size_t size) {
  snprintf(line, sizeof line, "%s %zu", hook, size);
  write_line(WASMHOST_OBSERVER_LOG_LEVEL_INFO);
  if (size > 0) {
    free(event);
  }
}

/* ---- lifecycle: true is ok ---------------------------------------------------------------- */

bool exports_wasmhost_observer_lifecycle_on_start(
    exports_wasmhost_observer_lifecycle_event_t *event, observer_string_t *err) {
  (void)err;
  HEARD("on_start", event);
  return true;
}

bool exports_wasmhost_observer_lifecycle_on_ready(
    exports_wasmhost_observer_lifecycle_event_t *event, observer_string_t *err) {
  HEARD("on_ready", event);
  observer_string_dup(err, "nicht bereit: é 🙂");
  return false;
}

bool exports_wasmhost_observer_lifecycle_on_stop(
    exports_wasmhost_observer_lifecycle_event_t *event, observer_string_t *err) {
  (void)err;
  HEARD("on_stop", event);
  return true;
}

bool exports_wasmhost_observer_lifecycle_on_error(
    exports_wasmhost_observer_lifecycle_error_event_cbor_t *event, observer_string_t *err) {
  (void)err;
  HEARD("on_error", event);
  return true;
}

/* ---- signaling ---------------------------------------------------------------------------- */

void exports_wasmhost_observer_signaling_on_signaling_connecting(
    exports_wasmhost_observer_signaling_signaling_event_cbor_t *event) {
  HEARD("on_signaling_connecting", event);
}

/* As Rust's Debug shows an Option<String>. */
static int show_config(char *out, size_t room, const char *name) {
  observer_string_t key = text(name);
  observer_string_t value;
  if (!wasmhost_observer_config_get(&key, &value)) {
    return snprintf(out, room, "None");
  }
  const int written = snprintf(out, room, "Some(\"%.*s\")", (int)value.len, (const char *)value.ptr);
  observer_string_free(&value);
  return written;
}

void exports_wasmhost_observer_signaling_on_signaling_connected(
    exports_wasmhost_observer_signaling_event_t *event) {
  HEARD("on_signaling_connected", event);
  char first[48];
  char second[48];
  show_config(first, sizeof first, "größe");
  show_config(second, sizeof second, "none");
  snprintf(line, sizeof line, "%s %s", first, second);
  write_line(WASMHOST_OBSERVER_LOG_LEVEL_DEBUG);
}

void exports_wasmhost_observer_signaling_on_signaling_disconnected(
    exports_wasmhost_observer_signaling_event_t *event) {
  HEARD("on_signaling_disconnected", event);
}

/* ---- websocket ---------------------------------------------------------------------------- */

void exports_wasmhost_observer_websocket_on_websocket_connecting(
    exports_wasmhost_observer_websocket_peer_event_cbor_t *event) {
  HEARD("on_websocket_connecting", event);
}

void exports_wasmhost_observer_websocket_on_websocket_connected(
    exports_wasmhost_observer_websocket_peer_event_cbor_t *event) {
  HEARD("on_websocket_connected", event);
}

void exports_wasmhost_observer_websocket_on_websocket_disconnected(
    exports_wasmhost_observer_websocket_peer_event_cbor_t *event) {
  HEARD("on_websocket_disconnected", event);
}

/* ---- webrtc ------------------------------------------------------------------------------- */

void exports_wasmhost_observer_webrtc_on_webrtc_connecting(
    exports_wasmhost_observer_webrtc_peer_event_cbor_t *event) {
  HEARD("on_webrtc_connecting", event);
}

void exports_wasmhost_observer_webrtc_on_webrtc_connected(
    exports_wasmhost_observer_webrtc_peer_event_cbor_t *event) {
  HEARD("on_webrtc_connected", event);
  uint8_t one[] = {0x01};
  observer_string_t topic = text("connected");
  observer_list_u8_t body = {one, sizeof one};
  wasmhost_observer_report_send(&topic, &body);
}

void exports_wasmhost_observer_webrtc_on_webrtc_disconnected(
    exports_wasmhost_observer_webrtc_peer_event_cbor_t *event) {
  HEARD("on_webrtc_disconnected", event);
}

/* ---- credential --------------------------------------------------------------------------- */

void exports_wasmhost_observer_credential_on_credential_renewed(
    exports_wasmhost_observer_credential_credential_event_cbor_t *event) {
  HEARD("on_credential_renewed", event);
  observer_string_t counter = text("renewed");
  observer_string_t gauge = text("half");
  wasmhost_observer_metrics_counter_add(&counter, UINT64_MAX);
  wasmhost_observer_metrics_gauge_set(&gauge, 0.5);
}

void exports_wasmhost_observer_credential_on_credential_expiring(
    exports_wasmhost_observer_credential_credential_event_cbor_t *event) {
  HEARD("on_credential_expiring", event);
}

/* ---- mailbox ------------------------------------------------------------------------------ */

void exports_wasmhost_observer_mailbox_on_mailbox_backpressure(
    exports_wasmhost_observer_mailbox_backpressure_event_cbor_t *event) {
  HEARD("on_mailbox_backpressure", event);
  observer_list_u8_t before = {0};
  observer_list_u8_t after = {0};
  const bool was_there = wasmhost_observer_state_load(&before);
  uint64_t sequence = wasmhost_observer_delivery_sequence();
  observer_list_u8_t blob = {(uint8_t *)&sequence, sizeof sequence};
  wasmhost_observer_state_save(&blob);
  const size_t now = wasmhost_observer_state_load(&after) ? after.len : 0;
  if (was_there) {
    snprintf(line, sizeof line, "Some(%zu) %zu", before.len, now);
    observer_list_u8_free(&before);
  } else {
    snprintf(line, sizeof line, "None %zu", now);
  }
  observer_list_u8_free(&after);
  write_line(WASMHOST_OBSERVER_LOG_LEVEL_WARN);
}
