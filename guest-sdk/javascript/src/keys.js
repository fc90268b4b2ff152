/** The keys of a map, as they are written, and where their values are. */

import { headSize, mapSize, skip } from "./cbor.js";

const WORD = 4;

/**
 * A key in words of four bytes, each at its offset. The last overlaps with the one before, as the size of a key is
 * seldom a multiple of four; a key of two letters is three bytes, so of its word the last is left out.
 */
export class Key {
  constructor(name, index) {
    const bytes = [0x60 + name.length, ...Array.from(name, (letter) => letter.charCodeAt(0))];
    this.index = index;
    this.size = bytes.length;
    this.initial = bytes[0];
    this.unused = bytes.length < WORD ? 8 : 0;
    this.first = wordAt(bytes, 0) >>> this.unused;
    this.offsets = [];
    for (let offset = WORD; offset < this.size; offset += WORD) {
      this.offsets.push(Math.min(offset, this.size - WORD));
    }
    this.words = this.offsets.map((offset) => wordAt(bytes, offset));
  }
}

/** Keys by their first byte, so that most entries of a map cost one look. */
export function byInitial(keys) {
  const table = [];
  for (const key of keys) (table[key.initial] ??= []).push(key);
  return table;
}

/** The place of the value of a key in the map at a place; -1 where the key is not there. */
export function find(event, at, key) {
  const { bytes } = event;
  const { initial } = key;
  let left = mapSize(event, at);
  at += left < 24 ? 1 : headSize(bytes[at]);
  for (; left > 0; left--) {
    if (bytes[at] === initial && isAt(event, at, key)) return at + key.size;
    at = skip(event, at, 2);
  }
  return -1;
}

/** Go through a map once, and put the places of the values of its keys into `places`. Gives the place behind it. */
export function findAll(event, at, table, places) {
  const { bytes } = event;
  let left = mapSize(event, at);
  at += left < 24 ? 1 : headSize(bytes[at]);
  for (; left > 0; left--) {
    const keys = table[bytes[at]];
    if (keys !== undefined) {
      for (let index = 0; index < keys.length; index++) {
        const key = keys[index];
        if (isAt(event, at, key)) places[key.index] = at + key.size;
      }
    }
    at = skip(event, at, 2);
  }
  return at;
}

/** The first byte has been looked at. */
function isAt({ view, size }, at, key) {
  // A value follows, so there is a byte behind even the shortest key.
  if (at + key.size >= size || view.getUint32(at) >>> key.unused !== key.first) return false;
  const { words, offsets } = key;
  for (let index = 0; index < words.length; index++) {
    if (view.getUint32(at + offsets[index]) !== words[index]) return false;
  }
  return true;
}

function wordAt(bytes, at) {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
