#include "memory.h"

#include "../wasmhost_observer.h"

/* The linker's: the first byte behind the stack and all static storage. */
extern unsigned char __heap_base;

enum { PAGE = 65536 };

/* The arena is one region: first what the module's initial memory leaves over, later, where that is
 * too small, pages grown for it. All addresses are kept as 64 bits, so that sums of two sizes chosen by
 * the other side can't wrap. */
static struct {
  uint64_t start;
  uint64_t next;
  uint64_t end;
} arena;

static uint64_t memory_end(void) { return (uint64_t)__builtin_wasm_memory_size(0) * PAGE; }

static uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) & ~(multiple - 1);
}

static void open_arena(void) {
  arena.start = arena.next = (uintptr_t)&__heap_base;
  arena.end = memory_end();
}

/* Grow by at least `missing` bytes. Where somebody else's allocator has grown memory meanwhile, the new
 * pages do not follow ours; then the region moves there, with all the room it had and more, and what
 * it leaves behind can't add up to more than what it has now. */
static bool grow(uint64_t missing) {
  const uint64_t behind = memory_end();
  const uint64_t held = arena.end - arena.start;
  const bool contiguous = behind == arena.end;
  const uint64_t wanted = round_up(contiguous ? missing : missing + 2 * held, PAGE);
  if (behind + wanted > UINT32_MAX || __builtin_wasm_memory_grow(0, wanted / PAGE) == (size_t)-1) {
    return false;
  }
  if (!contiguous) {
    arena.start = arena.next = behind;
  }
  arena.end = behind + wanted;
  return true;
}

void *memory_take(size_t size, size_t align) {
  if (arena.end == 0) {
    open_arena();
  }
  if (round_up(arena.next, align) + size > arena.end && !grow((uint64_t)size + align)) {
    return NULL;
  }
  const uint64_t block = round_up(arena.next, align);
  arena.next = block + size;
  return (void *)(uintptr_t)block;
}

void *memory_resize(void *block, size_t old_size, size_t align, size_t new_size) {
  const uint64_t at = (uintptr_t)block;
  if (block != NULL && at + old_size == arena.next && at + new_size <= arena.end) {
    arena.next = at + new_size;
    return block;
  }
  void *moved = memory_take(new_size, align);
  if (moved != NULL) {
    __builtin_memcpy(moved, block, old_size < new_size ? old_size : new_size);
  }
  return moved;
}

void memory_reset(void) { arena.next = arena.start; }

/* The canonical ABI's allocator: what the host calls to hand us a list or a string. It may call no import,
 * so where memory is at its limit it traps without words. */
WH_EXPORT_("cabi_realloc")
void *cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size);
void *cabi_realloc(void *block, size_t old_size, size_t align, size_t new_size) {
  void *resized = memory_resize(block, old_size, align, new_size);
  if (resized == NULL) {
    __builtin_trap();
  }
  return resized;
}
