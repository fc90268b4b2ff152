// What globals of the language that reach out of the module mean in here (`asconfig.json` says so, and `abort` is in
// panic.ts). Of the others, `Date.now()` is `delivery.now()`, and `trace` would have floats to format.

import { delivery, log as lines } from "./capabilities";

/** `console.log` and its like: lines of the log. */
export namespace console {
  export function log(message: string = ""): void {
    lines.write(lines.Level.Info, message);
  }

  export function debug(message: string = ""): void {
    lines.write(lines.Level.Debug, message);
  }

  export function info(message: string = ""): void {
    lines.write(lines.Level.Info, message);
  }

  export function warn(message: string = ""): void {
    lines.write(lines.Level.Warn, message);
  }

  export function error(message: string = ""): void {
    lines.write(lines.Level.Error, message);
  }
}

/** What `Math.random` begins with: the same in a replay, and no secret. */
export function seed(): f64 {
  return reinterpret<f64>(delivery.random());
}
