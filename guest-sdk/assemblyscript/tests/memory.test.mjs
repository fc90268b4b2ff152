// What lasts, and what does not.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compile, give, start } from "./compile.mjs";

const CONNECTED = "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected";
const START = "wasmhost:observer/lifecycle@0.1.0#on-start";
const READY = "wasmhost:observer/lifecycle@0.1.0#on-ready";

/** Deterministic CBOR of maps, short texts and small numbers. */
function encoded(value) {
  if (typeof value === "number") return Buffer.from(value < 24 ? [value] : [0x19, value >> 8, value & 255]);
  if (typeof value === "string")
    return Buffer.concat([Buffer.from([0x60 + Buffer.byteLength(value)]), Buffer.from(value)]);
  const entries = Object.entries(value).flat().map(encoded);
  return Buffer.concat([Buffer.from([0xa0 + entries.length / 2]), ...entries]);
}

function event(name, payload) {
  const id = (name) => ({
    type: { name, version: "1", manufacturer: "é" },
    realm: { "realm-id": 1 },
    "serial-number": 2,
  });
  return encoded({ ctx: { "self-id": id("self"), "request-id": "" }, event: payload ?? { peer: id(name) } });
}

const module = await compile("index.ts", {
  files: {
    "index.ts": `
      import { PeerEvent, log } from "wasmhost";
      const kept: PeerEvent[] = [];
      export function onWebrtcConnected(event: PeerEvent): void {
        if (event.peer.type.name.startsWith("keep")) kept.push(event);
      }
      export function onReady(): void {
        for (let i = 0; i < kept.length; i++) log.write(log.Level.Info, kept[i].peer.type.name);
      }
    `,
  },
});

test("a record that is kept can be read long after its event", () => {
  const { exports, lines } = start(module);
  for (let round = 0; round < 5000; round++) {
    const name = round % 1000 === 0 ? `keep-${round}` : `drop-${round}`;
    exports[CONNECTED](...give(exports, event(name)));
  }
  exports[READY](...give(exports, event("", {})));
  assert.deepEqual(lines, ["keep-0", "keep-1000", "keep-2000", "keep-3000", "keep-4000"]);
});

test("what is not kept takes no memory", () => {
  const { exports } = start(module);
  const deliver = () => exports[CONNECTED](...give(exports, event("drop")));
  for (let round = 0; round < 1000; round++) deliver();
  const before = exports.memory.buffer.byteLength;
  for (let round = 0; round < 50_000; round++) deliver();
  assert.equal(exports.memory.buffer.byteLength, before);
  assert.equal(before, 65536);
});

test("nor does what is large, or small, or grows", async () => {
  const source = `
    class Small { value: u8 = 0; }
    export function onReady(): void {
      const numbers: i32[] = [];
      for (let i = 0; i < 20_000; i++) numbers.push(i);
      for (let i = 0; i < 1000; i++) new Small();
    }
    export function onStart(): void {
      for (let i = 0; i < 100; i++) new Small();
    }
  `;
  const { exports } = start(await compile("index.ts", { files: { "index.ts": source } }));
  for (const [hook, most] of [
    [START, 1 << 16],
    [READY, 1 << 20],
  ]) {
    for (let round = 0; round < 2000; round++) exports[hook](...give(exports, event("", {})));
    assert.ok(exports.memory.buffer.byteLength <= most, `${exports.memory.buffer.byteLength} bytes`);
  }
});
