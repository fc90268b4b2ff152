import assert from "node:assert/strict";
import test from "node:test";

import "./stand-ins.js";
import { BrokenEvent } from "../src/broken.js";
import { Event } from "../src/cbor.js";
import { encode } from "../src/encode.js";
import { ErrorEvent, PeerEvent } from "../src/events.js";
import { Frame } from "../src/frame.js";

const id = (name) => ({
  realm: { "realm-id": 7 },
  "serial-number": 2n ** 64n - 1n,
  type: { manufacturer: "lab", name, version: "1.0.0" },
});
const sent = {
  at: 1n,
  seq: 0,
  src: "node-é",
  hook: "on_webrtc_connected",
  ctx: { "self-id": id("node"), "request-id": "" },
  event: { peer: id("peer"), status: "connected", relayed: true, more: [1, { x: Uint8Array.of(1) }] },
};
const payload = (fields) => new PeerEvent(new Event(encode(fields)), 0);

test("every field of an event is read, and one that is not there is undefined", () => {
  const frame = new Frame(encode(sent));
  const event = frame.payload(PeerEvent);
  assert.equal(frame.source, "node-é");
  assert.equal(frame.context.selfId.type.name, "node");
  assert.equal(frame.context.callerId, undefined);
  assert.equal(frame.context.requestId, "");
  assert.equal(event.peer.realm.realmId, 7);
  assert.equal(event.peer.serialNumber, 2n ** 64n - 1n);
  assert.equal(event.status, "connected");
  assert.equal(event.relayed, true);
});

test("a record is encoded as the contract writes it, without what the contract does not know", () => {
  const event = new Frame(encode(sent)).payload(PeerEvent);
  const { more, ...known } = sent.event;
  assert.deepEqual(encode(event), encode(known));
});

test("a key of two letters is found, also at the very end", () => {
  const event = new ErrorEvent(new Event(encode({ at: 5n })), 0);
  assert.equal(event.at, 5n);
  assert.throws(() => event.context, BrokenEvent);
});

test("an event that is cut short anywhere is broken", () => {
  const whole = encode(sent);
  for (let size = 0; size < whole.length; size++) {
    assert.throws(() => new Frame(whole.slice(0, size)), BrokenEvent, `${size} bytes`);
  }
  assert.throws(() => new Frame(Uint8Array.of(...whole, 0)), BrokenEvent);
});

test("what breaks the schema is broken where it is read", () => {
  assert.throws(() => payload({}).peer, BrokenEvent);
  assert.throws(() => payload({ peer: 7 }).peer.realm, BrokenEvent);
  assert.throws(() => payload({ relayed: 1 }).relayed, BrokenEvent);
  assert.throws(() => payload({ relayed: null }).relayed, BrokenEvent);
  assert.throws(() => payload({ status: "asleep" }).status, BrokenEvent);
  assert.throws(
    () => payload({ peer: { realm: { "realm-id": 2n ** 32n } } }).peer.realm.realmId,
    BrokenEvent,
  );
});

test("an event reads the same wherever its bytes lie in their buffer", () => {
  const bytes = encode(sent);
  const buffer = new Uint8Array(bytes.length + 8);
  buffer.set(bytes, 5);
  const frame = new Frame(buffer.subarray(5, 5 + bytes.length));
  assert.equal(frame.context.selfId.serialNumber, 2n ** 64n - 1n);
});
