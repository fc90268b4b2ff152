/** How a record is read follows from its fields, which declare it. */

import { broken } from "./broken.js";
import { readText } from "./cbor.js";
import { ENTRIES, encodedKey } from "./encode.js";
import { Key, byInitial, find, findAll } from "./keys.js";
import { kebab } from "./names.js";

/**
 * Declare a record: a class with a getter for each field. The key of a field is its name in kebab-case. A field is
 * looked for when it is asked for.
 */
export function record(fields) {
  const names = Object.keys(fields);
  const reads = names.map((name) => fields[name].read);
  const absents = names.map((name) => fields[name].absent);
  const keys = names.map((name, index) => new Key(kebab(name), index));
  const written = names.map((name) => encodedKey(kebab(name)));
  const table = byInitial(keys);
  const nowhere = new Array(keys.length).fill(undefined);

  class Record {
    #event;
    #at;

    /** The record whose map begins at this place of an event. */
    constructor(event, at) {
      this.#event = event;
      this.#at = at;
    }

    /** For `encode`: the keys and values of the fields that are there, one after another. */
    [ENTRIES]() {
      const event = this.#event;
      const places = nowhere.slice();
      findAll(event, this.#at, table, places);
      const entries = [];
      for (let index = 0; index < reads.length; index++) {
        const place = places[index];
        const value = place === undefined ? absents[index]() : reads[index](event, place);
        if (value !== undefined) entries.push(written[index], value);
      }
      return entries;
    }

    static {
      for (const [index, name] of names.entries()) {
        const [key, read, absent] = [keys[index], reads[index], absents[index]];
        const get = function () {
          const place = find(this.#event, this.#at, key);
          return place < 0 ? absent() : read(this.#event, place);
        };
        Object.defineProperty(Record.prototype, name, { get, enumerable: true });
      }
    }
  }
  return Record;
}

export function required(read) {
  return { read, absent: broken };
}

export function optional(read) {
  return { read, absent: () => undefined };
}

/** A field that is a record itself. */
export function view(Record) {
  return (event, at) => new Record(event, at);
}

/** An enum travels as the text of its case. */
export function oneOf(...cases) {
  return (event, at) => {
    const text = readText(event, at);
    return cases.includes(text) ? text : broken();
  };
}
