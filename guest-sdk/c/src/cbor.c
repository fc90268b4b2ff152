#include "cbor.h"

enum major { UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

enum { FALSE_BYTE = 0xf4, TRUE_BYTE = 0xf5 };

struct cbor cbor_open(wh_bytes bytes) {
  return (struct cbor){bytes.data, bytes.data + bytes.size, bytes.data == NULL};
}

bool cbor_done(const struct cbor *reader) { return !reader->bad && reader->at == reader->end; }

static void spoil(struct cbor *reader) {
  reader->bad = true;
  reader->at = reader->end;
}

static uint64_t left(const struct cbor *reader) { return (uint64_t)(reader->end - reader->at); }

/* An argument in 1, 2, 4 or 8 bytes of its own. 28 to 30 are reserved, 31 is an indefinite length: the
 * contract has none of them. */
__attribute__((noinline)) static uint64_t read_wide_argument(struct cbor *reader, unsigned info) {
  const unsigned width = info < 28 ? 1u << (info - 24) : 0;
  if (width == 0 || left(reader) < width) {
    spoil(reader);
    return 0;
  }
  uint64_t argument = 0;
  for (unsigned i = 0; i < width; i++) {
    argument = argument << 8 | *reader->at++;
  }
  return argument;
}

/* The next item's head (RFC 8949 section 3) behind its first byte, `initial`. */
static inline uint64_t read_argument(struct cbor *reader, uint8_t initial) {
  const unsigned info = initial & 0x1f;
  return info < 24 ? info : read_wide_argument(reader, info);
}

/* The argument of an item that must be of this type; zero where it is not. */
static uint64_t expect(struct cbor *reader, enum major type) {
  if (reader->at == reader->end || *reader->at >> 5 != type) {
    spoil(reader);
    return 0;
  }
  return read_argument(reader, *reader->at++);
}

uint64_t cbor_map(struct cbor *reader) { return expect(reader, MAP); }

uint64_t cbor_uint(struct cbor *reader, uint64_t most) {
  const uint64_t value = expect(reader, UINT);
  if (value > most) {
    spoil(reader);
    return 0;
  }
  return value;
}

bool cbor_bool(struct cbor *reader) {
  if (reader->at == reader->end || (*reader->at != FALSE_BYTE && *reader->at != TRUE_BYTE)) {
    spoil(reader);
    return false;
  }
  return *reader->at++ == TRUE_BYTE;
}

wh_string cbor_text(struct cbor *reader) {
  const uint64_t size = expect(reader, TEXT);
  const char *data = (const char *)reader->at;
  if (size > left(reader)) {
    spoil(reader);
    return (wh_string){data, 0};
  }
  reader->at += size;
  return (wh_string){data, (size_t)size};
}

/* Walks instead of recursing, so that no nesting can use up the stack. `pending` can't wrap: each head
 * adds at most twice the bytes left, and there are no more heads than bytes. */
void cbor_skip(struct cbor *reader) {
  for (uint64_t pending = 1; pending > 0; pending--) {
    if (reader->at == reader->end) {
      spoil(reader);
      return;
    }
    const uint8_t initial = *reader->at++;
    const enum major type = initial >> 5;
    const uint64_t argument = read_argument(reader, initial);
    if (type == UINT || type == NINT || type == SIMPLE) {
      continue;
    }
    if (type == TAG || argument > left(reader)) {
      spoil(reader);
      return;
    }
    if (type == BYTES || type == TEXT) {
      reader->at += argument;
    } else {
      pending += type == MAP ? 2 * argument : argument;
    }
  }
}
