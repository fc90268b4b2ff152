/** An event as it travels (`hook-event` in wit/events.cddl), its parts still encoded. */

import { broken } from "./broken.js";
import { Event, readText } from "./cbor.js";
import { Context } from "./events.js";
import { Key, byInitial, findAll } from "./keys.js";

const TABLE = byInitial(["ctx", "event", "src"].map((name, index) => new Key(name, index)));

export class Frame {
  #event;
  #places;

  constructor(bytes) {
    const event = new Event(bytes);
    const places = [undefined, undefined, undefined];
    if (findAll(event, 0, TABLE, places) !== bytes.length) broken();
    this.#event = event;
    this.#places = places;
  }

  /** Who observed the event; the node may have no identity yet. */
  get context() {
    const place = this.#places[0];
    return place === undefined ? undefined : new Context(this.#event, place);
  }

  payload(Record) {
    const place = this.#places[1];
    return place === undefined ? broken() : new Record(this.#event, place);
  }

  /** The emitter instance the event comes from, where it says. */
  get source() {
    const place = this.#places[2];
    return place === undefined ? undefined : readText(this.#event, place);
  }
}
