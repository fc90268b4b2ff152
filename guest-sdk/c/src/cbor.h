/*
 * A reader for the CBOR that the contract allows (section 2): definite lengths, no tags, text keys.
 *
 * It reads views into the event and copies nothing. The first thing that is not as asked for makes the
 * reader `bad`, for good: every read after that gives zero, so only the end needs a check.
 */
#ifndef WASMHOST_OBSERVER_CBOR_H
#define WASMHOST_OBSERVER_CBOR_H

#include "../wasmhost_observer.h"

struct cbor {
  const uint8_t *at;
  const uint8_t *end;
  bool bad;
};

struct cbor cbor_open(wh_bytes bytes);
/* Whether all went well and nothing is left over. */
bool cbor_done(const struct cbor *reader);

/* The number of entries of the map that follows. */
uint64_t cbor_map(struct cbor *reader);
/* An unsigned integer of at most `most`. */
uint64_t cbor_uint(struct cbor *reader, uint64_t most);
bool cbor_bool(struct cbor *reader);
wh_string cbor_text(struct cbor *reader);
/* Go over the next item, whatever it is. */
void cbor_skip(struct cbor *reader);

#endif
