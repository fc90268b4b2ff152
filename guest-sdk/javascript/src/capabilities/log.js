/** Lines for the operator's log. */

import raw from "wasmhost:observer/log@0.1.0";

import { textOf } from "../utf8.js";

const LEVELS = ["trace", "debug", "info", "warn", "error"];

export function write(level, message) {
  if (!LEVELS.includes(level)) throw new RangeError(`${level} is no level`);
  raw.write(level, textOf(message));
}

export const trace = (message) => write("trace", message);
export const debug = (message) => write("debug", message);
export const info = (message) => write("info", message);
export const warn = (message) => write("warn", message);
export const error = (message) => write("error", message);
