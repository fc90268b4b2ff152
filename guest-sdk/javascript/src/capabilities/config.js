/** The operator's words for this observer. */

import raw from "wasmhost:observer/config@0.1.0";

import { Refusal } from "../panic.js";
import { textOf } from "../utf8.js";

const MOST = 2n ** 64n - 1n;

export function get(key) {
  return raw.get(textOf(key)) ?? undefined;
}

export function number(key, otherwise) {
  const text = get(key);
  if (text === undefined) return otherwise;
  const value = /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value <= MOST ? value : refuse(key, text, "a whole number is wanted");
}

export function refuse(key, value, wanted) {
  throw new Refusal(`config ${key}: ${wanted}, not "${value}"`);
}
