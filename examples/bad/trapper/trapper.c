/*
 * trapper: an observer that panics on every WebRTC connection.
 *
 * It is here to show what a panic costs its neighbours (nothing) and what is kept of it: its own words,
 * and a backtrace that names spring_the_trap.
 */
#include "wasmhost_observer.h"

/* Kept out of line so that the backtrace has a frame of its own for it. */
__attribute__((noinline)) static void spring_the_trap(const wh_peer_event *event) {
  wh_buffer words = {0};
  wh_write_text(&words, WH_STR("trapper: stepped on by "));
  wh_write_text(&words, event->peer.type.name);
  wh_write_text(&words, WH_STR(" #"));
  wh_write_decimal(&words, event->peer.serial_number);
  wh_panic(wh_buffer_string(&words));
}

static void connected(const wh_context *ctx, const wh_peer_event *event) {
  (void)ctx;
  wh_log(WH_WARN, WH_STR("about to panic, as always"));
  spring_the_trap(event);
}
WH_ON_WEBRTC_CONNECTED(connected)
