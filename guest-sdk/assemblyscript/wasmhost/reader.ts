// A reader for the CBOR that the contract allows (wit/events.cddl): definite lengths, no tags, text keys.

import { panic } from "./panic";
import { Span, span } from "./text";

/** The major types (RFC 8949 section 3.1). */
const UINT: u32 = 0;
const BYTES: u32 = 2;
const TEXT: u32 = 3;
const ARRAY: u32 = 4;
const MAP: u32 = 5;
const TAG: u32 = 6;

/** The first byte of the empty text; those of the next 23 sizes follow. */
const SHORT_TEXT: u32 = 0x60;
const FALSE: u32 = 0xf4;
const TRUE: u32 = 0xf5;

/** The event that is read: the object whose bytes they are, the next byte, and the end. One at a time. */
export let bytes: ArrayBuffer = changetype<ArrayBuffer>(0);
let at: usize = 0;
let end: usize = 0;

/** The hook that is served, in the contract's spelling. */
let hook: string = "";

/** Begin to read an event. */
export function open(name: string, event: ArrayBuffer, size: usize): void {
  hook = name;
  bytes = event;
  at = changetype<usize>(event);
  end = at + size;
}

/** Demand that nothing is left over. */
export function close(): void {
  if (at != end) broken();
}

/**
 * The host has checked every event before, so one that is not what the contract says is a fault between host and
 * guest, and no reason to guess. Does not return.
 */
export function broken(): void {
  panic(hook + ": the event is not what the contract says");
}

/** The number of entries of the map that follows. */
export function map(): u64 {
  return expect(MAP);
}

export function uint(): u64 {
  return expect(UINT);
}

export function uint32(): u32 {
  const value = expect(UINT);
  if (value > u32.MAX_VALUE) broken();
  return <u32>value;
}

export function boolean(): bool {
  const initial = byte();
  if (initial != FALSE && initial != TRUE) broken();
  return initial == TRUE;
}

/** A text. Most are keys and names of under 24 bytes, whose head is a single byte. */
export function text(): Span {
  let size: u64 = at < end ? <u32>load<u8>(at) - SHORT_TEXT : u32.MAX_VALUE;
  if (size < 24) at++;
  else size = expect(TEXT);
  if (size > <u64>(end - at)) broken();
  const start = at;
  at += <usize>size;
  return span(start, <usize>size);
}

/**
 * Go over the next item, whatever it is.
 *
 * Walks instead of recursing, so that no nesting can use up the stack. `pending` can't wrap: each head adds at most
 * twice the bytes left, and there are no more heads than bytes.
 */
export function skip(): void {
  for (let pending: u64 = 1; pending > 0; pending--) {
    const initial = byte();
    const type = initial >> 5;
    const size = argument(initial);
    if (type < BYTES || type > TAG) continue;
    if (type == TAG || size > <u64>(end - at)) broken();
    if (type == MAP) pending += 2 * size;
    else if (type == ARRAY) pending += size;
    else at += <usize>size;
  }
}

/** The argument of an item that must be of this type. */
function expect(type: u32): u64 {
  const initial = byte();
  if (initial >> 5 != type) broken();
  return argument(initial);
}

// @ts-ignore: decorator
@inline
function byte(): u32 {
  if (at == end) broken();
  return load<u8>(at++);
}

/** What follows an item's first byte to complete its head. */
// @ts-ignore: decorator
@inline
function argument(initial: u32): u64 {
  const info = initial & 0x1f;
  return info < 24 ? info : wideArgument(info);
}

/** An argument in 1, 2, 4 or 8 bytes of its own. 28 to 30 are reserved, 31 is an indefinite length. */
function wideArgument(info: u32): u64 {
  const width: usize = 1 << (info - 24);
  if (info > 27 || end - at < width) broken();
  let value: u64 = 0;
  for (const stop = at + width; at < stop; at++) value = (value << 8) | load<u8>(at);
  return value;
}
