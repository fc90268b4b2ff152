/** The keys of a map, as they are written, and where their values are. */

import { headSize, mapSize, skip } from "./cbor.js";
import { encodedKey } from "./encode.js";

export class Key {
  constructor(name, index) {
    this.index = index;
    this.written = encodedKey(name);
    this.initial = this.written.charCodeAt(0);
    this.size = this.written.length;
  }
}

/** Keys by their first byte, so that most entries of a map cost one look. */
export function byInitial(keys) {
  const table = new Array(256).fill(undefined); // an array with holes would be many times slower
  for (const key of keys) (table[key.initial] ??= []).push(key);
  return table;
}

/** The place of the value of a key in the map at a place; -1 where the key is not there. */
export function find(event, at, key) {
  const { bytes, latin } = event;
  const { initial } = key;
  let left = mapSize(event, at);
  at += left < 24 ? 1 : headSize(bytes[at]);
  for (; left > 0; left--) {
    if (bytes[at] === initial && latin.startsWith(key.written, at)) return at + key.size;
    at = skip(event, at, 2);
  }
  return -1;
}

/** Go through a map once, and put the places of the values of its keys into `places`. */
export function findAll(event, at, table, places) {
  const { bytes, latin } = event;
  let left = mapSize(event, at);
  at += left < 24 ? 1 : headSize(bytes[at]);
  for (; left > 0; left--) {
    const keys = table[bytes[at]];
    if (keys !== undefined) {
      for (let index = 0; index < keys.length; index++) {
        const key = keys[index];
        if (latin.startsWith(key.written, at)) places[key.index] = at + key.size;
      }
    }
    at = skip(event, at, 2);
  }
}
