/*
 * Owned memory: an arena that lasts one hook.
 *
 * The host asks for room (cabi_realloc) to put the event and the answers of imports into; buffers
 * take theirs from the same arena. When the hook is over all of it is free again, so an observer that
 * runs for a year is as big as its biggest delivery.
 */
#ifndef WASMHOST_OBSERVER_MEMORY_H
#define WASMHOST_OBSERVER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Room for `size` bytes at a multiple of `align`, a power of two; NULL where memory is at its limit. */
void *memory_take(size_t size, size_t align);

/* Make a block bigger or smaller; the last block taken grows where it lies. NULL as above. */
void *memory_resize(void *block, size_t old_size, size_t align, size_t new_size);

/* Everything taken is free again. */
void memory_reset(void);

#endif
