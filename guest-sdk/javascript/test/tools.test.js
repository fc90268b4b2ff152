import assert from "node:assert/strict";
import test, { afterEach } from "node:test";

import { halves, whole } from "../src/halves.js";
import { authorFrames } from "../src/places.js";
import { hooksOf } from "../tools/dry-run.mjs";
import { places } from "../tools/places.mjs";

afterEach(() => delete globalThis.wasmhostPlaces);

test("a number of 64 bits goes through in halves", () => {
  for (const number of [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n + 5n, 2n ** 64n - 1n]) {
    const through = halves(number);
    assert.ok(through.every((half) => half === (half | 0)));
    assert.equal(whole(through), number);
  }
  assert.throws(() => halves(2n ** 64n), RangeError);
  assert.throws(() => halves(-1), RangeError);
});

test("a table of places has the lines of the author's files", () => {
  // Three lines: the SDK's first, the author's fifth, one that comes from nowhere; then the author's fourth.
  const map = { sources: ["sdk/a.js", "mine.js"], mappings: "AAAA;ACIA;;AADA" };
  const table = places(map, (file) => !file.startsWith("sdk/"));
  assert.deepEqual(table, { files: ["mine.js"], lines: ",0:5,,0:4" });
});

test("of a stack the author's frames are told, innermost first", () => {
  globalThis.wasmhostPlaces = { files: ["mine.js"], lines: ",0:5,,0:4" };
  const stack =
    "    at deep (bundle.js:2:11)\n    at onStart (bundle.js:4:3)\n    at entry (bundle.js:1:9)\n";
  assert.deepEqual(authorFrames(stack), ["deep mine.js:5", "onStart mine.js:4"]);
  assert.deepEqual(authorFrames("    at <anonymous> (native)\n"), []);
});

test("a module that fails when it is loaded is told of, and so is one without hooks", () => {
  assert.throws(() => hooksOf({ code: "process.exit()" }), /fails when it is loaded: process is not defined/);
  assert.throws(() => hooksOf({ code: "var component = { hooks: [] }" }), /has no hook/);
  assert.deepEqual(hooksOf({ code: 'var component = { hooks: ["on_start"] }' }), ["on_start"]);
});
