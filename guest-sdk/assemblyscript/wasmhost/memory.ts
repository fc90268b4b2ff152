// Owned memory: what the host puts into this module becomes an ordinary object of the garbage collector, so nobody has
// to free it, and a record may keep the event it reads from.
//
// The runtime is the compiler's `minimal` one, which collects when it is told to and needs nothing on the stack to be
// marked. Between two hooks there is nothing on the stack.

// @ts-ignore: only the compiler knows it
import { __new as create, __renew as recreate } from "~lib/rt/tcms";

import { Option } from "./raw";

/** Bytes an object takes beside its own: its header, and what is lost to alignment. */
const OVERHEAD = 32;

/** Bytes of memory that were taken since the last collection. */
let made: usize = 0;

/** What the compiler calls to make an object (`asconfig.json` says so). */
export function __new(size: usize, id: i32): usize {
  made += size + OVERHEAD;
  return create(size, id);
}

/** What the compiler calls to make an object larger, as arrays become. */
export function __renew(object: usize, size: usize): usize {
  made += size + OVERHEAD;
  return recreate(object, size);
}

/**
 * Collect when a quarter of the memory is taken by objects that may be garbage. Called when a hook is over, so that a
 * long life takes as much memory as its biggest delivery, and most deliveries pay for no collection. One that does pays
 * some 170 fuel for each object that is kept, and some 270 for each that is not.
 */
export function tidy(): void {
  if (made < (<usize>memory.size()) << 14) return;
  made = 0;
  // @ts-ignore: only the compiler knows it
  __collect();
}

/**
 * The canonical ABI's allocator: what the host calls to hand us a list or a string. Every object lies at a multiple of
 * 16. It may call no import, so where memory is at its limit it traps without words.
 */
export function cabi_realloc(old: usize, oldSize: usize, alignment: usize, size: usize): usize {
  const block = __new(size, idof<ArrayBuffer>());
  if (oldSize > 0) memory.copy(block, old, min(oldSize, size));
  return block;
}

/** Take over a list that the host made by `cabi_realloc`, which it need not call for an empty one. */
export function take(data: usize, size: usize): ArrayBuffer {
  return size > 0 ? changetype<ArrayBuffer>(data) : new ArrayBuffer(0);
}

/** Where an import leaves an option; it is read before the next import is called. */
export const answer = changetype<Option>(memory.data(offsetof<Option>(), alignof<usize>()));

/** What the last answer holds. */
export function takeAnswer(): ArrayBuffer | null {
  return answer.isSome ? take(answer.data, answer.size) : null;
}
