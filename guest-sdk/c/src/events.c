/*
 * From an event's CBOR to the types of the header, and the frame around every hook.
 *
 * Each record is read the same way: go through the map's entries, take the known keys, skip the
 * others, and demand at the end that every required one was there. The host has checked all this
 * before; a guest that finds otherwise says so and traps instead of guessing.
 */
#include "cbor.h"
#include "memory.h"
#include "raw.h"

#include "../wasmhost_observer.h"

/* ---- records ------------------------------------------------------------------------------ */

#define SAME_WORD(type)                                                                            \
  for (; size - at >= sizeof(type); at += sizeof(type)) {                                          \
    type word;                                                                                     \
    type wanted;                                                                                   \
    __builtin_memcpy(&word, text.data + at, sizeof word);                                          \
    __builtin_memcpy(&wanted, name + at, sizeof wanted);                                           \
    if (word != wanted) {                                                                          \
      return false;                                                                                \
    }                                                                                              \
  }

/* Compares with a literal: its size first, because most keys that differ do so there, then a few words
 * instead of many bytes. All loops unroll, so that what is left are loads and constants; a call of
 * memcmp, had we a C library, would cost more than the rest of the read. */
__attribute__((always_inline)) static inline bool same(wh_string text, const char *name,
                                                       const size_t size) {
  if (text.size != size) {
    return false;
  }
  size_t at = 0;
  _Pragma("clang loop unroll(full)") SAME_WORD(uint64_t)
  _Pragma("clang loop unroll(full)") SAME_WORD(uint32_t)
  _Pragma("clang loop unroll(full)") SAME_WORD(uint16_t)
  _Pragma("clang loop unroll(full)") SAME_WORD(uint8_t)
  return true;
}

#define TEXT_IS(text, literal) same(text, literal, sizeof(literal) - 1)
#define KEY_IS(literal) TEXT_IS(key, literal)

/* The loop over a map's entries; `key` is the entry's key, its value is the next item. */
#define FOR_EACH_ENTRY(reader, key)                                                                \
  for (uint64_t left_ = cbor_map(reader); left_ > 0 && !(reader)->bad; left_--)                    \
    for (wh_string key = cbor_text(reader), *once_ = &key; once_ != NULL; once_ = NULL)

/* Bits of the required keys that were seen. */
static void require(struct cbor *reader, unsigned seen, unsigned all) {
  reader->bad |= seen != all;
}

static void read_realm(struct cbor *reader, wh_realm *realm) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("realm-id")) {
      realm->realm_id = (uint32_t)cbor_uint(reader, UINT32_MAX);
      seen |= 1;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 1);
}

static void read_actr_type(struct cbor *reader, wh_actr_type *type) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("manufacturer")) {
      type->manufacturer = cbor_text(reader);
      seen |= 1;
    } else if (KEY_IS("name")) {
      type->name = cbor_text(reader);
      seen |= 2;
    } else if (KEY_IS("version")) {
      type->version = cbor_text(reader);
      seen |= 4;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 7);
}

static void read_actr_id(struct cbor *reader, wh_actr_id *id) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("realm")) {
      read_realm(reader, &id->realm);
      seen |= 1;
    } else if (KEY_IS("serial-number")) {
      id->serial_number = cbor_uint(reader, UINT64_MAX);
      seen |= 2;
    } else if (KEY_IS("type")) {
      read_actr_type(reader, &id->type);
      seen |= 4;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 7);
}

static void read_context(struct cbor *reader, wh_context *context) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("self-id")) {
      read_actr_id(reader, &context->self_id);
      seen |= 1;
    } else if (KEY_IS("caller-id")) {
      read_actr_id(reader, &context->caller_id);
      context->has_caller_id = true;
    } else if (KEY_IS("request-id")) {
      context->request_id = cbor_text(reader);
      seen |= 2;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 3);
}

static wh_peer_status read_peer_status(struct cbor *reader) {
  const wh_string text = cbor_text(reader);
  if (TEXT_IS(text, "idle")) {
    return WH_PEER_IDLE;
  }
  if (TEXT_IS(text, "connecting")) {
    return WH_PEER_CONNECTING;
  }
  if (TEXT_IS(text, "connected")) {
    return WH_PEER_CONNECTED;
  }
  require(reader, TEXT_IS(text, "recovering"), true);
  return WH_PEER_RECOVERING;
}

static wh_error_category read_error_category(struct cbor *reader) {
  const wh_string text = cbor_text(reader);
  if (TEXT_IS(text, "handler-panic")) {
    return WH_HANDLER_PANIC;
  }
  if (TEXT_IS(text, "handler-error")) {
    return WH_HANDLER_ERROR;
  }
  if (TEXT_IS(text, "signaling-failure")) {
    return WH_SIGNALING_FAILURE;
  }
  if (TEXT_IS(text, "transport-failure")) {
    return WH_TRANSPORT_FAILURE;
  }
  require(reader, TEXT_IS(text, "data-stream-delivery-uncertain"), true);
  return WH_DATA_STREAM_DELIVERY_UNCERTAIN;
}

static void read_error_source(struct cbor *reader, wh_error_source *source) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("kind")) {
      source->kind = cbor_text(reader);
      seen |= 1;
    } else if (KEY_IS("message")) {
      source->message = cbor_text(reader);
      seen |= 2;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 3);
}

static void read_stream_info(struct cbor *reader, wh_stream_info *stream) {
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("stream-id")) {
      stream->stream_id = cbor_text(reader);
      seen |= 1;
    } else if (KEY_IS("session-id")) {
      stream->session_id = cbor_uint(reader, UINT64_MAX);
      seen |= 2;
    } else if (KEY_IS("reason")) {
      stream->reason = cbor_text(reader);
      seen |= 4;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 7);
}

/* ---- payloads ----------------------------------------------------------------------------- */

void wh_read_nothing_(struct cbor *reader, void *payload) {
  (void)payload;
  cbor_skip(reader);
}

void wh_read_signaling_event_(struct cbor *reader, void *payload) {
  wh_signaling_event *event = payload;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("attempt")) {
      event->attempt = (uint32_t)cbor_uint(reader, UINT32_MAX);
      event->has_attempt = true;
    } else {
      cbor_skip(reader);
    }
  }
}

void wh_read_peer_event_(struct cbor *reader, void *payload) {
  wh_peer_event *event = payload;
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("peer")) {
      read_actr_id(reader, &event->peer);
      seen |= 1;
    } else if (KEY_IS("relayed")) {
      event->relayed = cbor_bool(reader);
      event->has_relayed = true;
    } else if (KEY_IS("status")) {
      event->status = read_peer_status(reader);
      event->has_status = true;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 1);
}

void wh_read_error_event_(struct cbor *reader, void *payload) {
  wh_error_event *event = payload;
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("source")) {
      read_error_source(reader, &event->source);
      seen |= 1;
    } else if (KEY_IS("category")) {
      event->category = read_error_category(reader);
      seen |= 2;
    } else if (KEY_IS("context")) {
      event->context = cbor_text(reader);
      seen |= 4;
    } else if (KEY_IS("at")) {
      event->at = cbor_uint(reader, UINT64_MAX);
      seen |= 8;
    } else if (KEY_IS("stream")) {
      read_stream_info(reader, &event->stream);
      event->has_stream = true;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 15);
}

void wh_read_credential_event_(struct cbor *reader, void *payload) {
  wh_credential_event *event = payload;
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("new-expiry")) {
      event->new_expiry = cbor_uint(reader, UINT64_MAX);
      seen |= 1;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 1);
}

void wh_read_backpressure_event_(struct cbor *reader, void *payload) {
  wh_backpressure_event *event = payload;
  unsigned seen = 0;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("queue-len")) {
      event->queue_len = cbor_uint(reader, UINT64_MAX);
      seen |= 1;
    } else if (KEY_IS("threshold")) {
      event->threshold = cbor_uint(reader, UINT64_MAX);
      seen |= 2;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 3);
}

/* ---- the frame of a hook ------------------------------------------------------------------ */

static struct {
  bool known;
  wh_string name;
} source;

bool wh_delivery_source(wh_string *name) {
  *name = source.name;
  return source.known;
}

/* Only these come before the node has an identity. */
static bool may_lack_context(wh_string hook) {
  return TEXT_IS(hook, "on-signaling-connecting") || TEXT_IS(hook, "on-signaling-connected");
}

/* An event that breaks the contract is a fault between host and guest, so it is loud. */
static _Noreturn void broken(wh_string hook) {
  wh_buffer complaint = {0};
  wh_write_text(&complaint, hook);
  wh_write_text(&complaint, WH_STR(": the event is not what the contract says"));
  wh_panic(wh_buffer_string(&complaint));
}

const wh_context *wh_hook_begin_(wh_context *storage, wh_bytes event, wh_string hook,
                                 wh_read_payload_ *read, void *payload) {
  struct cbor frame = cbor_open(event);
  struct cbor *reader = &frame;
  const wh_context *context = NULL;
  unsigned seen = 0;
  *storage = (wh_context){0};
  source.known = false;
  FOR_EACH_ENTRY(reader, key) {
    if (KEY_IS("at")) {
      cbor_uint(reader, UINT64_MAX);
      seen |= 1;
    } else if (KEY_IS("ctx")) {
      read_context(reader, storage);
      context = storage;
    } else if (KEY_IS("seq")) {
      cbor_uint(reader, UINT64_MAX);
      seen |= 2;
    } else if (KEY_IS("src")) {
      source.name = cbor_text(reader);
      source.known = true;
    } else if (KEY_IS("event")) {
      read(reader, payload);
      seen |= 4;
    } else {
      cbor_skip(reader);
    }
  }
  require(reader, seen, 7);
  if (!cbor_done(reader) || (context == NULL && !may_lack_context(hook))) {
    broken(hook);
  }
  return context;
}

void wh_hook_end_(void) { memory_reset(); }

/* The result stays where it is until the next one: the host reads it before it calls another hook. */
const void *wh_hook_return_(wh_result result) {
  static struct raw_result returned;
  returned = (struct raw_result){result.failed, result.message.data, result.message.size};
  return &returned;
}
