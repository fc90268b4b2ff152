/**
 * UTF-8, by way of texts with one character for each byte. QuickJS has no TextDecoder; what it has of its own is
 * many times cheaper than a loop over the bytes: `escape` writes each as %XX, and `decodeURIComponent` reads those
 * as UTF-8, strictly.
 */

import { broken } from "./broken.js";

/** As many arguments as a call may safely have. */
const MOST_ARGUMENTS = 8192;
/** The bits of four bytes that no ASCII has. */
const NO_ASCII = 0x8080_8080;

/** The text that these bytes of an event are. */
export function decodeText({ bytes, view }, start, end) {
  const latin = latinText(bytes, start, end);
  if (isAscii(bytes, view, start, end)) return latin;
  try {
    return decodeURIComponent(escape(latin));
  } catch {
    return broken();
  }
}

/** A character for each of these bytes. */
export function latinText(bytes, start, end) {
  let text = "";
  for (; end - start > MOST_ARGUMENTS; start += MOST_ARGUMENTS) {
    text += characters(bytes.subarray(start, start + MOST_ARGUMENTS));
  }
  return text + characters(bytes.subarray(start, end));
}

/** A character for each byte; of few. */
export function characters(bytes) {
  return String.fromCharCode.apply(null, bytes);
}

/** Any value as a text that has UTF-8: half a surrogate pair becomes U+FFFD. */
export function textOf(value) {
  return String(value).toWellFormed();
}

/** A character for each byte of the text's UTF-8. */
export function encodeText(text) {
  return unescape(encodeURIComponent(text.toWellFormed()));
}

/** A byte for each character. */
export const latinBytes = Uint8Array.fromBase64
  ? (latin) => Uint8Array.fromBase64(btoa(latin))
  : (latin) => Uint8Array.from(latin, (character) => character.charCodeAt(0));

function isAscii(bytes, view, start, end) {
  let at = start;
  for (; at + 4 <= end; at += 4) if (view.getInt32(at) & NO_ASCII) return false;
  for (; at < end; at++) if (bytes[at] & 0x80) return false;
  return true;
}
