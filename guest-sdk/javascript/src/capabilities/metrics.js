/** Numbers for the operator's dashboards. */

import raw from "wasmhost:javascript/metrics@0.1.0";

import { halves } from "../halves.js";
import { textOf } from "../utf8.js";

export function counterAdd(name, by) {
  const [low, high] = halves(by);
  raw.counterAdd(textOf(name), low, high);
}

export function gaugeSet(name, value) {
  raw.gaugeSet(textOf(name), Number(value));
}
