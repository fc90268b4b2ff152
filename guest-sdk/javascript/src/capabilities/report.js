/** Findings: what an observer is for. */

import raw from "wasmhost:observer/report@0.1.0";

import { encode } from "../encode.js";
import { textOf } from "../utf8.js";

export function send(topic, body) {
  raw.send(textOf(topic), encode(body));
}
