// The capabilities of wit/capabilities.wit as ordinary functions. What is not called is not imported.

import { currentSource } from "./frame";
import { answer, takeAnswer } from "./memory";
import { panic } from "./panic";
import * as raw from "./raw";
import { fromUtf8, lower, lowered } from "./text";
import { Writer } from "./writer";

/** Lines for the operator's log. */
export namespace log {
  /** How much a line matters. */
  export enum Level {
    /** Finer than debug. */
    Trace,
    /** For who looks for a fault. */
    Debug,
    /** Worth knowing. */
    Info,
    /** Worth a look. */
    Warn,
    /** Something failed. */
    Error,
  }

  /** Write one line. */
  export function write(level: Level, message: string): void {
    const size = lower(message);
    raw.logWrite(level, lowered, size);
  }
}

/** What an observer may know of the delivery it is in. */
export namespace delivery {
  /** The event's own time, in Unix nanoseconds. It does not move while a hook runs, and is the same in a replay. */
  export function now(): u64 {
    return raw.deliveryNow();
  }

  /** The event's sequence number, contiguous per source. */
  export function sequence(): u64 {
    return raw.deliverySequence();
  }

  /** How many events were lost for this observer since its previous delivery. */
  export function lost(): u64 {
    return raw.deliveryLost();
  }

  /** The next number of a stream that a replay repeats. No secret. */
  export function random(): u64 {
    return raw.deliveryRandom();
  }

  /** The emitter instance the event comes from, where it says. */
  export function source(): string | null {
    return currentSource();
  }
}

/** The operator's words for this observer. */
export namespace config {
  /** The value of a key. */
  export function get(key: string): string | null {
    const size = lower(key);
    raw.configGet(lowered, size, answer);
    const value = takeAnswer();
    return value === null ? null : fromUtf8(value);
  }

  /**
   * The value of a key as a whole number in decimal, `otherwise` where there is none. Anything else than such a number
   * is a panic that names the key.
   */
  export function number(key: string, otherwise: u64): u64 {
    const value = get(key);
    if (value === null) return otherwise;
    if (value.length == 0) refuse(key, value, "a whole number is wanted");
    let number: u64 = 0;
    for (let i = 0; i < value.length; i++) {
      const digit = <u64>value.charCodeAt(i) - 0x30;
      if (digit > 9 || number > (u64.MAX_VALUE - digit) / 10) refuse(key, value, "a whole number is wanted");
      number = number * 10 + digit;
    }
    return number;
  }

  /** Panic for a value that can't be used, in words the operator can act on. */
  export function refuse(key: string, value: string, wanted: string): void {
    panic("config " + key + ": " + wanted + ', not "' + value + '"');
  }
}

/** One blob that outlives the sandbox; importing it needs the operator's grant. */
export namespace state {
  /** The blob as last saved. */
  export function load(): Uint8Array | null {
    raw.stateLoad(answer);
    const blob = takeAnswer();
    return blob === null ? null : Uint8Array.wrap(blob);
  }

  /** Replace the blob. It counts once the hook has returned. */
  export function save(blob: Uint8Array): void {
    raw.stateSave(blob.dataStart, blob.length);
  }
}

/** Numbers for the operator's dashboards. */
export namespace metrics {
  /** Add to a counter. */
  export function counterAdd(name: string, by: u64): void {
    const size = lower(name);
    raw.metricsCounterAdd(lowered, size, by);
  }

  /** Set a gauge. */
  export function gaugeSet(name: string, value: f64): void {
    const size = lower(name);
    raw.metricsGaugeSet(lowered, size, value);
  }
}

/** Findings: what an observer is for. */
export namespace report {
  /** Send a finding; the body is one CBOR item. */
  export function send(topic: string, body: Writer): void {
    const size = lower(topic);
    raw.reportSend(lowered, size, body.dataStart, body.length);
  }
}
