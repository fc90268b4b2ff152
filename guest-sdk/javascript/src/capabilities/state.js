/** One blob that outlives the sandbox; who imports it needs the operator's grant. */

import raw from "wasmhost:observer/state@0.1.0";

export function load() {
  return raw.load() ?? undefined;
}

export function save(blob) {
  if (!(blob instanceof Uint8Array)) throw new TypeError("a state is a Uint8Array");
  raw.save(blob);
}
