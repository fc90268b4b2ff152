/**
 * Writing CBOR in core deterministic encoding (RFC 8949 section 4.2.1).
 *
 * What is written is a text with one character for each byte until the end: QuickJS joins texts in one operation,
 * where bytes would cost several each.
 */

import { encodeText, latinBytes, latinText } from "./utf8.js";

const UINT = 0;
const NINT = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;

const FALSE = "\xf4";
const TRUE = "\xf5";
const NULL = "\xf6";
const NAN = "\xf9\x7e\x00";

/** A method with which a record of an event gives its keys, encoded and in order, each with its value behind it. */
export const ENTRIES = Symbol("entries");

/** The text of each byte. */
const BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** Where numbers are written; and the first two, four and eight bytes of it. */
const scratch = new DataView(new ArrayBuffer(8));
const [two, four, eight] = [2, 4, 8].map((size) => new Uint8Array(scratch.buffer, 0, size));

/** An observer has few keys; should it make them up, these are remembered. */
const MOST_KEYS = 256;
const encodedKeys = new Map();

/**
 * Encode a value as one CBOR item.
 *
 * A plain object is a map, its keys are put into order here, and a key whose value is undefined is left out. A
 * bigint and a number without fraction are integers, other numbers floats; a `Uint8Array` is a byte string.
 * A record of an event is encoded as the contract writes it.
 */
export function encode(value) {
  return latinBytes(item(value));
}

function item(value) {
  switch (typeof value) {
    case "string":
      return text(value);
    case "bigint":
      return integer(value);
    case "number":
      return number(value);
    case "boolean":
      return value ? TRUE : FALSE;
    case "object":
      return value === null ? NULL : object(value);
    default:
      throw new TypeError(`a ${typeof value} has no CBOR`);
  }
}

function object(value) {
  if (value[ENTRIES] !== undefined) return record(value[ENTRIES]());
  if (value instanceof Uint8Array) return head(BYTES, value.length) + latinText(value);
  if (Array.isArray(value)) return head(ARRAY, value.length) + value.map(item).join("");
  return map(value);
}

function record(entries) {
  let out = head(MAP, entries.length / 2);
  for (let index = 0; index < entries.length; index += 2) out += entries[index] + item(entries[index + 1]);
  return out;
}

/** The order of keys is that of their encodings. It is the author's job to be fast, and ours to be right. */
function map(value, names = Object.keys(value)) {
  let entries = "";
  let size = 0;
  let last = "";
  for (let index = 0; index < names.length; index++) {
    const inner = value[names[index]];
    if (inner === undefined) continue;
    const key = encodedKey(names[index]);
    if (key < last) return map(value, names.sort(byEncoding));
    entries += key + item(inner);
    last = key;
    size++;
  }
  return head(MAP, size) + entries;
}

function byEncoding(left, right) {
  return encodedKey(left) < encodedKey(right) ? -1 : 1;
}

/** A key as it is written. */
export function encodedKey(name) {
  const known = encodedKeys.get(name);
  if (known !== undefined) return known;
  const key = text(name);
  if (encodedKeys.size < MOST_KEYS) encodedKeys.set(name, key);
  return key;
}

function text(value) {
  const bytes = encodeText(value);
  return head(TEXT, bytes.length) + bytes;
}

/** Whole numbers beyond 2^53 are floats: who means an integer there has a bigint. */
function number(value) {
  if (value >= 0 && value < 2 ** 32 && Number.isInteger(value)) return head(UINT, value);
  return Number.isSafeInteger(value) ? integer(BigInt(value)) : float(value);
}

function integer(value) {
  return value < 0n ? argument(NINT, -1n - value) : argument(UINT, value);
}

function argument(major, value) {
  if (value < 0x1_0000_0000n) return head(major, Number(value));
  if (value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`an integer does not fit 64 bits`);
  scratch.setBigUint64(0, value);
  return BYTE[(major << 5) | 27] + latinText(eight);
}

/** A head with an argument of at most 32 bits, in its shortest form. */
function head(major, size) {
  const initial = major << 5;
  if (size < 24) return BYTE[initial | size];
  if (size < 0x100) return BYTE[initial | 24] + BYTE[size];
  if (size < 0x1_0000) return BYTE[initial | 25] + BYTE[size >> 8] + BYTE[size & 0xff];
  scratch.setUint32(0, size);
  return BYTE[initial | 26] + latinText(four);
}

/** The shortest of the three widths that loses nothing. There is one NaN. */
function float(value) {
  if (Number.isNaN(value)) return NAN;
  if (Math.f16round(value) === value) {
    scratch.setFloat16(0, value);
    return "\xf9" + latinText(two);
  }
  if (Math.fround(value) === value) {
    scratch.setFloat32(0, value);
    return "\xfa" + latinText(four);
  }
  scratch.setFloat64(0, value);
  return "\xfb" + latinText(eight);
}
