import assert from "node:assert/strict";
import test from "node:test";

import "./stand-ins.js";
import { BrokenEvent } from "../src/broken.js";
import { Event, readBool, readText, readU32, readU64, skip } from "../src/cbor.js";
import { encode } from "../src/encode.js";

const event = (...bytes) => new Event(Uint8Array.from(bytes));
const utf8 = (text) => [...new TextEncoder().encode(text)];

test("a number of every width is read, and written in its shortest form", () => {
  for (const [number, ...bytes] of [
    [0n, 0x00],
    [23n, 0x17],
    [24n, 0x18, 0x18],
    [0xffn, 0x18, 0xff],
    [0x100n, 0x19, 0x01, 0x00],
    [0x1_0000n, 0x1a, 0x00, 0x01, 0x00, 0x00],
    [2n ** 32n - 1n, 0x1a, 0xff, 0xff, 0xff, 0xff],
    [2n ** 32n, 0x1b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00],
    [2n ** 64n - 1n, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  ]) {
    assert.equal(readU64(event(...bytes), 0), number);
    assert.deepEqual([...encode(number)], bytes);
    if (number < 2n ** 32n) {
      assert.equal(readU32(event(...bytes), 0), Number(number));
      assert.deepEqual([...encode(Number(number))], bytes);
    } else {
      assert.throws(() => readU32(event(...bytes), 0), BrokenEvent);
    }
  }
});

test("text is UTF-8, whatever its length", () => {
  for (const text of ["", "relay", "größer 🛰", "x".repeat(24), "\u0000\u007f\u0080", "кінець".repeat(3000)]) {
    const written = encode(text);
    assert.equal(readText(new Event(written), 0), text);
    assert.deepEqual([...written.slice(written.length - utf8(text).length)], utf8(text));
  }
});

test("what is no UTF-8 is broken, and half a surrogate pair is written as U+FFFD", () => {
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    assert.throws(() => readText(event(0x60 + bytes.length, ...bytes), 0), BrokenEvent);
  }
  assert.deepEqual(encode("\ud800"), encode("\ufffd"));
});

test("an item of another type is broken, and a half float is no truth value", () => {
  assert.throws(() => readText(event(0x00), 0), BrokenEvent);
  assert.throws(() => readU64(event(0x60), 0), BrokenEvent);
  assert.throws(() => readU32(event(0x20), 0), BrokenEvent);
  assert.throws(() => readBool(event(0xf9, 0x00, 0x00), 0), BrokenEvent);
  assert.equal(readBool(event(0xf5), 0), true);
});

test("skipping goes over nested items and stops behind them", () => {
  const nested = [0xa2, 0x61, 0x61, 0x82, 0x01, 0xa0, 0x61, 0x62, 0x43, 0x78, 0x79, 0x7a];
  const long = [0x58, 0x20, ...new Array(32).fill(1), 0x98, 0x18, ...new Array(24).fill(0)];
  const list = event(0x84, ...nested, 0x07, ...long);
  assert.equal(skip(list, 1, 1), 1 + nested.length);
  assert.equal(skip(list, 1, 4), 2 + nested.length + long.length);
  assert.equal(skip(list, 0, 1), list.bytes.length);
});

test("an event that is not one whole item is broken", () => {
  for (const bytes of [[], [0x18], [0x62, 0x61], [0x82, 0x01], [0xc1, 0x00], [0x00, 0x00]]) {
    assert.throws(() => event(...bytes), BrokenEvent, `${bytes}`);
  }
});

test("a map is written in the order of its keys, less what is undefined", () => {
  const written = encode({ long: null, b: [true, -1], a: Uint8Array.of(7), gone: undefined });
  const expected = [0xa3, 0x61, 0x61, 0x41, 7, 0x61, 0x62, 0x82, 0xf5, 0x20, 0x64, ...utf8("long"), 0xf6];
  assert.deepEqual([...written], expected);
  assert.deepEqual([...encode({ 10: 1, 9: 2 })], [0xa2, 0x61, 0x39, 2, 0x62, 0x31, 0x30, 1]);
});

test("integers are written down to -2^64, and no further", () => {
  assert.deepEqual([...encode(-(2n ** 64n))], [0x3b, ...new Array(8).fill(0xff)]);
  assert.deepEqual([...encode(-500)], [0x39, 0x01, 0xf3]);
  assert.throws(() => encode(2n ** 64n), RangeError);
  assert.throws(() => encode(-(2n ** 64n) - 1n), RangeError);
});

test("a float is written as short as it can be", { skip: !Math.f16round }, () => {
  assert.deepEqual([...encode(0.5)], [0xf9, 0x38, 0x00]);
  assert.deepEqual([...encode(3.4028234663852886e38)], [0xfa, 0x7f, 0x7f, 0xff, 0xff]);
  assert.deepEqual([...encode(1.1)], [0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]);
  assert.deepEqual([...encode(NaN)], [0xf9, 0x7e, 0x00]);
  assert.deepEqual([...encode(-Infinity)], [0xf9, 0xfc, 0x00]);
});

test("what has no CBOR is refused", () => {
  assert.throws(() => encode(undefined), TypeError);
  assert.throws(() => encode(() => {}), TypeError);
});
