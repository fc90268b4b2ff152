/** The event being served, for `delivery.source`. */

let current;

export function setFrame(frame) {
  current = frame;
}

export function currentSource() {
  return current?.source;
}
