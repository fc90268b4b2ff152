/*
 * wasmhost observer SDK for C: the one header.
 *
 * An observer is a handful of functions and, for each, one line that exports it:
 *
 *     static void expiring(const wh_context *ctx, const wh_credential_event *event) { ... }
 *     WH_ON_CREDENTIAL_EXPIRING(expiring)
 *
 * Only the hooks named so are exported, and the host calls no other. Compile wasmhost_observer.c
 * along with the observer; there is nothing else to link.
 *
 * Memory: every string, every buffer and the event itself live until the hook returns and are gone
 * then, all at once. Nothing is to be freed. What is to outlive the hook goes into static storage,
 * copied.
 *
 * Names are those of wit/ in snake_case. An optional field `f` has a flag `has_f` beside it.
 */
#ifndef WASMHOST_OBSERVER_H
#define WASMHOST_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- values ------------------------------------------------------------------------------- */

/* UTF-8 that is not NUL-terminated. */
typedef struct {
  const char *data;
  size_t size;
} wh_string;

typedef struct {
  const uint8_t *data;
  size_t size;
} wh_bytes;

/* A string literal as a wh_string. */
#define WH_STR(literal) ((wh_string){("" literal), sizeof(literal) - 1})

/* Unix time in nanoseconds. */
typedef uint64_t wh_timestamp;

typedef struct {
  uint32_t realm_id;
} wh_realm;

typedef struct {
  wh_string manufacturer;
  wh_string name;
  wh_string version;
} wh_actr_type;

typedef struct {
  wh_realm realm;
  uint64_t serial_number;
  wh_actr_type type;
} wh_actr_id;

typedef struct {
  wh_actr_id self_id;
  bool has_caller_id;
  wh_actr_id caller_id;
  wh_string request_id;
} wh_context;

typedef enum {
  WH_PEER_IDLE,
  WH_PEER_CONNECTING,
  WH_PEER_CONNECTED,
  WH_PEER_RECOVERING,
} wh_peer_status;

typedef enum {
  WH_HANDLER_PANIC,
  WH_HANDLER_ERROR,
  WH_SIGNALING_FAILURE,
  WH_TRANSPORT_FAILURE,
  WH_DATA_STREAM_DELIVERY_UNCERTAIN,
} wh_error_category;

typedef struct {
  bool has_attempt;
  uint32_t attempt;
} wh_signaling_event;

typedef struct {
  wh_actr_id peer;
  bool has_relayed;
  bool relayed;
  bool has_status;
  wh_peer_status status;
} wh_peer_event;

typedef struct {
  wh_string kind;
  wh_string message;
} wh_error_source;

typedef struct {
  wh_string stream_id;
  uint64_t session_id;
  wh_string reason;
} wh_stream_info;

typedef struct {
  wh_error_source source;
  wh_error_category category;
  wh_string context;
  wh_timestamp at;
  bool has_stream;
  wh_stream_info stream;
} wh_error_event;

typedef struct {
  wh_timestamp new_expiry;
} wh_credential_event;

typedef struct {
  uint64_t queue_len;
  uint64_t threshold;
} wh_backpressure_event;

/* ---- what an observer may do -------------------------------------------------------------- */

typedef enum { WH_TRACE, WH_DEBUG, WH_INFO, WH_WARN, WH_ERROR } wh_level;

/* Write one line to the operator's log. */
void wh_log(wh_level level, wh_string message);

/* Say why, then trap. The host discards this sandbox and starts a fresh one. */
_Noreturn void wh_panic(wh_string message);

#define WH_QUOTE_(token) #token
#define WH_EXPAND_(token) WH_QUOTE_(token)
/* Panic with the place and the condition's own words unless it holds. The file's name comes without
 * its path, so that a build does not depend on where it was made. */
#define WH_ASSERT(condition)                                                                       \
  ((condition) ? (void)0                                                                           \
               : wh_panic(WH_STR(__FILE_NAME__ ":" WH_EXPAND_(__LINE__) ": " #condition)))

/* The event's own time, its sequence number, and how many events were lost since the previous one. */
wh_timestamp wh_delivery_now(void);
uint64_t wh_delivery_sequence(void);
uint64_t wh_delivery_lost(void);
/* The emitter instance the event comes from; false where it does not say. */
bool wh_delivery_source(wh_string *source);
/* The next number of a stream that a replay repeats. No secret. */
uint64_t wh_delivery_random(void);

/* The operator's word for a key; false where there is none. */
bool wh_config_get(wh_string key, wh_string *value);
/* The same, read as a whole number in decimal: `otherwise` where there is none, a panic that names
 * the key where it is no number. */
uint64_t wh_config_u64(wh_string key, uint64_t otherwise);

/* One blob that outlives the sandbox; importing it needs the operator's grant. */
bool wh_state_load(wh_bytes *blob);
void wh_state_save(wh_bytes blob);

void wh_metrics_counter_add(wh_string name, uint64_t by);
void wh_metrics_gauge_set(wh_string name, double value);

/* Send a finding; `body` is one CBOR item. */
void wh_report_send(wh_string topic, wh_bytes body);

/* ---- writing ------------------------------------------------------------------------------ */

/* Bytes that grow as they are written. Start with {0}. */
typedef struct {
  uint8_t *data;
  size_t size;
  size_t room;
} wh_buffer;

static inline wh_bytes wh_buffer_bytes(const wh_buffer *buffer) {
  return (wh_bytes){buffer->data, buffer->size};
}

static inline wh_string wh_buffer_string(const wh_buffer *buffer) {
  return (wh_string){(const char *)buffer->data, buffer->size};
}

/* Plain text, for log lines and panics. */
void wh_write_text(wh_buffer *buffer, wh_string text);
void wh_write_decimal(wh_buffer *buffer, uint64_t number);

/* CBOR in its shortest form. A map of n entries is followed by n times a key and a value, the keys
 * in deterministic order: shorter ones first, equal lengths alphabetically. */
void wh_cbor_map(wh_buffer *buffer, size_t entries);
void wh_cbor_array(wh_buffer *buffer, size_t items);
void wh_cbor_uint(wh_buffer *buffer, uint64_t number);
void wh_cbor_bool(wh_buffer *buffer, bool truth);
void wh_cbor_text(wh_buffer *buffer, wh_string text);
void wh_cbor_bytes(wh_buffer *buffer, wh_bytes bytes);

/* ---- hooks -------------------------------------------------------------------------------- */

/* What the four lifecycle hooks return. */
typedef struct {
  bool failed;
  wh_string message;
} wh_result;

static inline wh_result wh_ok(void) { return (wh_result){false, {NULL, 0}}; }
static inline wh_result wh_error(wh_string message) { return (wh_result){true, message}; }

/* A handler gets who observed the event and, where the hook has one, its payload:
 *
 *     void handler(const wh_context *, const wh_..._event *)
 *
 * The context is NULL only in the first two signaling hooks, which can come before the node has an
 * identity. The four lifecycle hooks return wh_result. */
#define WH_ON_START(handler) WH_PLAIN_LIFECYCLE_HOOK_(wh_on_start, "on-start", handler)
#define WH_ON_READY(handler) WH_PLAIN_LIFECYCLE_HOOK_(wh_on_ready, "on-ready", handler)
#define WH_ON_STOP(handler) WH_PLAIN_LIFECYCLE_HOOK_(wh_on_stop, "on-stop", handler)
#define WH_ON_ERROR(handler) WH_PAYLOAD_LIFECYCLE_HOOK_(wh_on_error, "on-error", error, handler)

#define WH_ON_SIGNALING_CONNECTING(handler)                                                        \
  WH_PAYLOAD_HOOK_(wh_on_signaling_connecting, "signaling", "on-signaling-connecting", signaling,  \
                   handler)
#define WH_ON_SIGNALING_CONNECTED(handler)                                                         \
  WH_PLAIN_HOOK_(wh_on_signaling_connected, "signaling", "on-signaling-connected", handler)
#define WH_ON_SIGNALING_DISCONNECTED(handler)                                                      \
  WH_PLAIN_HOOK_(wh_on_signaling_disconnected, "signaling", "on-signaling-disconnected", handler)
#define WH_ON_WEBSOCKET_CONNECTING(handler)                                                        \
  WH_PAYLOAD_HOOK_(wh_on_websocket_connecting, "websocket", "on-websocket-connecting", peer,       \
                   handler)
#define WH_ON_WEBSOCKET_CONNECTED(handler)                                                         \
  WH_PAYLOAD_HOOK_(wh_on_websocket_connected, "websocket", "on-websocket-connected", peer, handler)
#define WH_ON_WEBSOCKET_DISCONNECTED(handler)                                                      \
  WH_PAYLOAD_HOOK_(wh_on_websocket_disconnected, "websocket", "on-websocket-disconnected", peer,   \
                   handler)
#define WH_ON_WEBRTC_CONNECTING(handler)                                                           \
  WH_PAYLOAD_HOOK_(wh_on_webrtc_connecting, "webrtc", "on-webrtc-connecting", peer, handler)
#define WH_ON_WEBRTC_CONNECTED(handler)                                                            \
  WH_PAYLOAD_HOOK_(wh_on_webrtc_connected, "webrtc", "on-webrtc-connected", peer, handler)
#define WH_ON_WEBRTC_DISCONNECTED(handler)                                                         \
  WH_PAYLOAD_HOOK_(wh_on_webrtc_disconnected, "webrtc", "on-webrtc-disconnected", peer, handler)
#define WH_ON_CREDENTIAL_RENEWED(handler)                                                          \
  WH_PAYLOAD_HOOK_(wh_on_credential_renewed, "credential", "on-credential-renewed", credential,    \
                   handler)
#define WH_ON_CREDENTIAL_EXPIRING(handler)                                                         \
  WH_PAYLOAD_HOOK_(wh_on_credential_expiring, "credential", "on-credential-expiring", credential,  \
                   handler)
#define WH_ON_MAILBOX_BACKPRESSURE(handler)                                                        \
  WH_PAYLOAD_HOOK_(wh_on_mailbox_backpressure, "mailbox", "on-mailbox-backpressure", backpressure, \
                   handler)

/* ---- behind the macros: not for observers ------------------------------------------------- */

struct cbor;
/* How a payload is read into the record it belongs to. */
typedef void wh_read_payload_(struct cbor *reader, void *payload);
wh_read_payload_ wh_read_nothing_;
wh_read_payload_ wh_read_signaling_event_;
wh_read_payload_ wh_read_peer_event_;
wh_read_payload_ wh_read_error_event_;
wh_read_payload_ wh_read_credential_event_;
wh_read_payload_ wh_read_backpressure_event_;

/* Read an event: the payload to where it is to be, the context into `storage`. Returns that, or NULL
 * where there is no context. */
const wh_context *wh_hook_begin_(wh_context *storage, wh_bytes event, wh_string hook,
                                 wh_read_payload_ *read, void *payload);
void wh_hook_end_(void);
const void *wh_hook_return_(wh_result result);

#define WH_EXPORT_(name) __attribute__((export_name(name)))
#define WH_CORE_NAME_(interface, hook) "wasmhost:observer/" interface "@0.1.0#" hook

#define WH_FRAME_(result, symbol, interface, hook)                                                 \
  WH_EXPORT_(WH_CORE_NAME_(interface, hook)) result symbol(const uint8_t *data_, size_t size_);    \
  result symbol(const uint8_t *data_, size_t size_)

#define WH_BEGIN_PLAIN_(hook)                                                                      \
  wh_context storage_;                                                                             \
  const wh_context *ctx_ =                                                                         \
      wh_hook_begin_(&storage_, (wh_bytes){data_, size_}, WH_STR(hook), wh_read_nothing_, NULL)

#define WH_BEGIN_PAYLOAD_(hook, payload)                                                           \
  wh_context storage_;                                                                             \
  wh_##payload##_event event_ = {0};                                                               \
  const wh_context *ctx_ = wh_hook_begin_(&storage_, (wh_bytes){data_, size_}, WH_STR(hook),       \
                                         wh_read_##payload##_event_, &event_)

#define WH_PLAIN_HOOK_(symbol, interface, hook, handler)                                           \
  WH_FRAME_(void, symbol, interface, hook) {                                                       \
    WH_BEGIN_PLAIN_(hook);                                                                         \
    handler(ctx_);                                                                                 \
    wh_hook_end_();                                                                                \
  }

#define WH_PAYLOAD_HOOK_(symbol, interface, hook, payload, handler)                                \
  WH_FRAME_(void, symbol, interface, hook) {                                                       \
    WH_BEGIN_PAYLOAD_(hook, payload);                                                              \
    handler(ctx_, &event_);                                                                        \
    wh_hook_end_();                                                                                \
  }

#define WH_PLAIN_LIFECYCLE_HOOK_(symbol, hook, handler)                                            \
  WH_FRAME_(const void *, symbol, "lifecycle", hook) {                                             \
    WH_BEGIN_PLAIN_(hook);                                                                         \
    return wh_hook_return_(handler(ctx_));                                                         \
  }                                                                                                \
  WH_POST_(symbol, hook)

#define WH_PAYLOAD_LIFECYCLE_HOOK_(symbol, hook, payload, handler)                                 \
  WH_FRAME_(const void *, symbol, "lifecycle", hook) {                                             \
    WH_BEGIN_PAYLOAD_(hook, payload);                                                              \
    return wh_hook_return_(handler(ctx_, &event_));                                                \
  }                                                                                                \
  WH_POST_(symbol, hook)

/* A result may point into the hook's memory, so that is kept until the host has read it and says so
 * by calling cabi_post_. */
#define WH_POST_(symbol, hook)                                                                     \
  WH_EXPORT_("cabi_post_" WH_CORE_NAME_("lifecycle", hook))                                        \
  void symbol##_post(const void *result_);                                                         \
  void symbol##_post(const void *result_) {                                                        \
    (void)result_;                                                                                 \
    wh_hook_end_();                                                                                \
  }

#endif
