/**
 * Reading CBOR where it lies (RFC 8949, and of it what the contract allows: wit/events.cddl).
 *
 * Every function takes an event and the place of an item in it. An event has been walked over before, so nobody here
 * need look whether it is cut short; only whether an item is what is asked for.
 */

import { broken } from "./broken.js";
import { outside } from "./outside.js";
import { decodeText } from "./utf8.js";

/**
 * The bytes of an event that is whole, in the three ways that are each the cheapest for something: keys are compared,
 * and texts cut out, of a text with one character for each byte.
 */
export class Event {
  constructor(bytes) {
    this.latin = outside.open(bytes) ?? broken();
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/**
 * How to step over an item, by its first byte: the bytes it takes where it has no items inside, minus the number
 * of items where it is a short array or map, 0 where more than one byte is needed to tell.
 */
const STEPS = Array.from({ length: 256 }, (_, initial) => step(initial >> 5, initial & 31));

function step(major, info) {
  switch (major) {
    case 2:
    case 3:
      return info < 24 ? 1 + info : 0;
    case 4:
    case 5:
      return info === 0 ? 1 : info < 24 ? -info * (major - 3) : 0;
    default:
      return headSize(info);
  }
}

/** The place behind some items. */
export function skip(event, at, items) {
  const { bytes } = event;
  for (let left = items; left > 0; left--) {
    const stride = STEPS[bytes[at]];
    if (stride > 0) {
      at += stride;
    } else if (stride < 0) {
      at++;
      left -= stride;
    } else {
      const size = argument(event, at);
      const major = bytes[at] >> 5;
      at += headSize(bytes[at]);
      if (major < 4) at += size;
      else left += size * (major - 3);
    }
  }
  return at;
}

/** The number of entries of the map at a place. */
export function mapSize(event, at) {
  const initial = event.bytes[at];
  if (initial >= 0xa0 && initial < 0xa0 + 24) return initial - 0xa0;
  return initial >> 5 === 5 ? argument(event, at) : broken();
}

export function readBool({ bytes }, at) {
  const initial = bytes[at];
  return initial === 0xf4 || initial === 0xf5 ? initial === 0xf5 : broken();
}

/** A number of at most 32 bits. */
export function readU32(event, at) {
  const initial = event.bytes[at];
  if (initial < 24) return initial;
  return initial <= 0x1a ? argument(event, at) : broken();
}

/** A number of at most 64 bits, as a bigint. */
export function readU64(event, at) {
  return event.bytes[at] === 0x1b ? event.view.getBigUint64(at + 1) : BigInt(readU32(event, at));
}

export function readText(event, at) {
  const initial = event.bytes[at];
  const size = initial - 0x60;
  if (size >= 0 && size < 24) return decodeText(event, at + 1, at + 1 + size);
  if (initial >> 5 !== 3) broken();
  const start = at + headSize(initial);
  return decodeText(event, start, start + argument(event, at));
}

/** The size of an item's head, by its first byte. */
export function headSize(initial) {
  const info = initial & 31;
  return info < 24 ? 1 : 1 + (1 << (info - 24));
}

/** What an item's head says beside its type (section 3). Exact up to 2^53: `readU64` reads numbers itself. */
function argument({ bytes, view }, at) {
  switch (bytes[at] & 31) {
    case 24:
      return bytes[at + 1];
    case 25:
      return view.getUint16(at + 1);
    case 26:
      return view.getUint32(at + 1);
    case 27:
      return Number(view.getBigUint64(at + 1));
    default:
      return bytes[at] & 31;
  }
}
