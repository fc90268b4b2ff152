// What the CBOR reader and writer do with every kind of item, and with what the contract does not allow.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compile, give, start } from "./compile.mjs";

const module = await compile("cbor.ts", { transform: false });

/** Call a function with bytes, as the host calls a hook; in a fresh instance, as after a panic. */
function call(name, bytes) {
  const { exports, panics } = start(module);
  try {
    return { value: exports[name](...give(exports, bytes)), written: written(exports) };
  } catch (error) {
    assert.ok(error instanceof WebAssembly.RuntimeError);
    return { panic: panics.at(-1) };
  }
}

function written(exports) {
  return Buffer.from(exports.memory.buffer, exports.start(), exports.length()).toString("hex");
}

const refused = { panic: "on-test: the event is not what the contract says" };
const hex = (text) => Buffer.from(text, "hex");

/** The head of a text in its shortest form, and the text. */
function encoded(text) {
  const bytes = Buffer.from(text);
  const head = bytes.length < 24 ? [0x60 + bytes.length] : bytes.length < 256 ? [0x78, bytes.length] : undefined;
  return Buffer.concat([Buffer.from(head ?? [0x79, bytes.length >> 8, bytes.length & 255]), bytes]);
}

test("a head of every width is read, and written in its shortest form", () => {
  const cases = {
    "00": 0n,
    17: 23n,
    1818: 24n,
    "18ff": 0xffn,
    190100: 0x100n,
    "1a00010000": 0x10000n,
    "1affffffff": 0xffff_ffffn,
    "1b0000000100000000": 0x1_0000_0000n,
    "1bffffffffffffffff": 0xffff_ffff_ffff_ffffn,
  };
  for (const [bytes, value] of Object.entries(cases)) {
    assert.equal(BigInt.asUintN(64, call("readUint", hex(bytes)).value), value);
    const { exports } = start(module);
    exports.writeUint(value);
    assert.equal(written(exports), bytes);
  }
});

test("a number that does not fit is refused", () => {
  assert.equal(call("readUint32", hex("1affffffff")).value >>> 0, 0xffff_ffff);
  assert.deepEqual(call("readUint32", hex("1b0000000100000000")), refused);
});

test("texts of every length come back as they were, ASCII and other", () => {
  for (let length = 0; length < 300; length++) {
    for (const text of ["x".repeat(length), "x".repeat(length) + "é", "中".repeat(length), "🛰x".repeat(length)]) {
      const bytes = encoded(text);
      assert.equal(call("rewriteText", bytes).written, bytes.toString("hex"));
    }
  }
});

test("half of a surrogate pair is written as U+FFFD", () => {
  const { exports } = start(module);
  exports.writeHalfAPair();
  assert.equal(written(exports), "63efbfbd");
});

test("a name is recognised whole", () => {
  assert.equal(call("isSerialNumber", encoded("serial-number")).value, 1);
  for (const other of ["serial-numbex", "xerial-number", "serial-xumber", "serial-number-", "serial", ""]) {
    assert.equal(call("isSerialNumber", encoded(other)).value, 0, other);
  }
});

test("all kinds are written one behind the other", () => {
  const { exports } = start(module);
  exports.writeAll();
  assert.equal(written(exports), "8257" + "a3" + "616182f5f4" + "61624378797a" + "61631bffffffffffffffff" + "00");
});

test("skipping goes over nested items and stops behind them", () => {
  assert.deepEqual(call("skip", hex("a261618201a061624378797a")).panic, undefined);
  assert.deepEqual(call("skip", hex("a261618201a061624378797a07")), refused);
});

test("an item of another type is refused, and a half float is no boolean", () => {
  assert.equal(call("readBoolean", hex("f5")).value, 1);
  assert.equal(call("readBoolean", hex("f4")).value, 0);
  for (const bytes of ["f90015", "f6", "01"]) assert.deepEqual(call("readBoolean", hex(bytes)), refused);
  assert.deepEqual(call("rewriteText", hex("00")), refused);
});

test("what the contract does not allow is refused", () => {
  for (const bytes of ["", "18", "1c", "9fff", "c100", "6261", "8201", "bbffffffffffffffff"]) {
    assert.deepEqual(call("skip", hex(bytes)), refused, bytes);
  }
});

test("deep nesting costs no stack", () => {
  assert.equal(call("skip", Buffer.concat([Buffer.alloc(100_000, 0x81), hex("00")])).panic, undefined);
});
