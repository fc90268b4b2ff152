/* Growing buffers in the hook's memory, and what is written into them. */
#include "memory.h"

#include "../wasmhost_observer.h"

enum { FIRST_ROOM = 128 };

static uint8_t *extend(wh_buffer *buffer, size_t size) {
  const size_t used = buffer->size;
  if (size > buffer->room - used) {
    const size_t doubled = buffer->room == 0 ? FIRST_ROOM : 2 * buffer->room;
    const size_t room = size > doubled - used ? used + size : doubled;
    buffer->data = memory_resize(buffer->data, buffer->room, 1, room);
    if (buffer->data == NULL) {
      wh_panic(WH_STR("out of memory"));
    }
    buffer->room = room;
  }
  buffer->size = used + size;
  return buffer->data + used;
}

static void write_bytes(wh_buffer *buffer, const void *data, size_t size) {
  __builtin_memcpy(extend(buffer, size), data, size);
}

void wh_write_text(wh_buffer *buffer, wh_string text) {
  write_bytes(buffer, text.data, text.size);
}

void wh_write_decimal(wh_buffer *buffer, uint64_t number) {
  char digits[20]; /* of the biggest, 18446744073709551615 */
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  write_bytes(buffer, digits + first, sizeof digits - first);
}

/* The shortest head for an argument, as deterministic encoding demands. */
static void write_head(wh_buffer *buffer, enum major major, uint64_t argument) {
  const uint8_t type = (uint8_t)(major << 5);
  if (argument < 24) {
    *extend(buffer, 1) = type | (uint8_t)argument;
    return;
  }
  const unsigned log2 = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= UINT32_MAX ? 2 : 3;
  const unsigned width = 1u << log2;
  uint8_t *head = extend(buffer, 1 + width);
  *head = type | (uint8_t)(24 + log2);
  for (unsigned i = width; i > 0; i--, argument >>= 8) {
    head[i] = (uint8_t)argument;
  }
}

void wh_cbor_map(wh_buffer *buffer, size_t entries) { write_head(buffer, MAP, entries); }
void wh_cbor_array(wh_buffer *buffer, size_t items) { write_head(buffer, ARRAY, items); }
void wh_cbor_uint(wh_buffer *buffer, uint64_t number) { write_head(buffer, UINT, number); }

void wh_cbor_bool(wh_buffer *buffer, bool truth) {
  *extend(buffer, 1) = truth ? TRUE_BYTE : FALSE_BYTE;
}

void wh_cbor_text(wh_buffer *buffer, wh_string text) {
  write_head(buffer, TEXT, text.size);
  write_bytes(buffer, text.data, text.size);
}

void wh_cbor_bytes(wh_buffer *buffer, wh_bytes bytes) {
  write_head(buffer, BYTES, bytes.size);
  write_bytes(buffer, bytes.data, bytes.size);
}
