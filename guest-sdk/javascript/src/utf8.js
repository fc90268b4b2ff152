/** Texts in UTF-8. Bytes are at hand as texts with one character for each: QuickJS joins and cuts those cheaply. */

import { broken } from "./broken.js";
import { outside } from "./outside.js";

/** From so many bytes on it is worth its price to leave QuickJS. */
const LONG = 48;
/** The bits of four bytes that no ASCII has. */
const NO_ASCII = 0x8080_8080;

/** The text that these bytes of an event are. */
export function decodeText(event, start, end) {
  if (end - start < LONG && isAscii(event, start, end)) return event.latin.slice(start, end);
  return outside.decode(event.bytes.subarray(start, end)) ?? broken();
}

/** Any value as a text that has UTF-8: half a surrogate pair becomes U+FFFD. */
export function textOf(value) {
  return String(value).toWellFormed();
}

/** A character for each byte of the text's UTF-8. */
export function encodeText(text) {
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped.length === text.length ? text : unescape(escaped);
}

/** A character for each byte. */
export const latinText = Uint8Array.prototype.toBase64
  ? (bytes) => atob(bytes.toBase64())
  : (bytes) => bytes.reduce((text, byte) => text + String.fromCharCode(byte), "");

/** A byte for each character. */
export const latinBytes = Uint8Array.fromBase64
  ? (latin) => Uint8Array.fromBase64(btoa(latin))
  : (latin) => Uint8Array.from(latin, (character) => character.charCodeAt(0));

function isAscii({ bytes, view }, start, end) {
  let at = start;
  for (; at + 4 <= end; at += 4) if (view.getInt32(at) & NO_ASCII) return false;
  for (; at < end; at++) if (bytes[at] & 0x80) return false;
  return true;
}
