/**
 * JavaScript's own clock and dice, as a sandbox can have them: the event's time, which stands still while a hook
 * runs, and the delivery's stream of numbers. A replay repeats both.
 *
 * QuickJS would ask WASI for the time, which is not there and traps without words.
 */

import { now, random } from "./capabilities/delivery.js";

const MILLISECOND = 1_000_000n;

const milliseconds = () => Number(now() / MILLISECOND);

class EventDate extends Date {
  constructor(...parts) {
    if (parts.length === 0) super(milliseconds());
    else super(...parts);
  }

  static now() {
    return milliseconds();
  }
}

globalThis.Date = EventDate;
Math.random = () => Number(random() >> 11n) / 2 ** 53;
// There is nothing to measure.
delete globalThis.performance;
