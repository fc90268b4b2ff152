/** An event as it travels (`hook-event` in wit/events.cddl), its parts still encoded. */

import { broken } from "./broken.js";
import { Event, readText } from "./cbor.js";
import { Context } from "./events.js";
import { Key, find } from "./keys.js";

const [CTX, EVENT, SRC] = ["ctx", "event", "src"].map((name) => new Key(name));

export class Frame {
  #event;

  constructor(bytes) {
    this.#event = new Event(bytes);
  }

  /** Who observed the event; the node may have no identity yet. */
  get context() {
    const place = find(this.#event, 0, CTX);
    return place < 0 ? undefined : new Context(this.#event, place);
  }

  payload(Record) {
    const place = find(this.#event, 0, EVENT);
    return place < 0 ? broken() : new Record(this.#event, place);
  }

  /** The emitter instance the event comes from, where it says. */
  get source() {
    const place = find(this.#event, 0, SRC);
    return place < 0 ? undefined : readText(this.#event, place);
  }
}
