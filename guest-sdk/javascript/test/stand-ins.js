/** What a component does outside of QuickJS, done here by hand: component/outside.wat is held to the same elsewhere. */

import { outside } from "../src/outside.js";

const SIMPLE = [20, 21, 22, 25, 26, 27];

outside.open = (bytes) => {
  const isWhole = behind(bytes, 0) === bytes.length;
  return isWhole ? Array.from(bytes, (byte) => String.fromCharCode(byte)).join("") : null;
};

outside.decode = (bytes) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};

/** The place behind an item; NaN where it is cut short or not allowed. */
function behind(bytes, at) {
  const [major, info] = [bytes[at] >> 5, bytes[at] & 31];
  if (at >= bytes.length || info > 27 || major === 6) return NaN;
  if (major === 7 && !SIMPLE.includes(info)) return NaN;
  const width = info < 24 ? 0 : 1 << (info - 24);
  const size = width ? bytes.slice(at + 1, at + 1 + width).reduce((sum, byte) => sum * 256 + byte, 0) : info;
  let next = at + 1 + width;
  if (next > bytes.length) return NaN;
  if (major === 2 || major === 3) return next + size <= bytes.length ? next + size : NaN;
  for (let left = major === 4 ? size : major === 5 ? 2 * size : 0; left > 0 && next === next; left--) {
    next = behind(bytes, next);
  }
  return next;
}
