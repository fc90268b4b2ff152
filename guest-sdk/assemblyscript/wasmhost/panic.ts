// Last words: what the host shows of a panic, before the module traps.

import * as raw from "./raw";
import { lower, lowered } from "./text";

/** Report a message and trap: for what an observer can't go on with. */
export function panic(message: string): void {
  const size = lower(message);
  raw.panicReport(lowered, size);
  unreachable();
}

/** What `assert`, `throw` and the standard library's own checks become. */
export function abort(message: string | null, fileName: string | null, line: u32, column: u32): void {
  const words = message ? message : "assertion failed";
  const file = fileName ? fileName : "";
  panic(words + " (" + file + ":" + line.toString() + ":" + column.toString() + ")");
}
