// What an author may export, and what the module exports then.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compile } from "./compile.mjs";

const PREFIX = "wasmhost:observer";
const IMPORTS = 'import { Context, PeerEvent, log } from "wasmhost";\n';

/** The hooks that the module of a source exports. */
async function exported(source, others = {}) {
  const module = await compile("index.ts", { files: { "index.ts": IMPORTS + source, ...others } });
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const hooks = names.filter((name) => name.startsWith(PREFIX));
  assert.deepEqual(names.filter((name) => !hooks.includes(name)).sort(), ["_initialize", "cabi_realloc", "memory"]);
  return hooks.map((name) => name.slice(PREFIX.length + 1)).sort();
}

test("the hooks that have functions are exported, and nothing else", async () => {
  const source = `
    export function onStart(ctx: Context): string | null { return null; }
    export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {}
    export function helper(): void {}
    export const number: i32 = 7;
  `;
  assert.deepEqual(await exported(source), ["lifecycle@0.1.0#on-start", "webrtc@0.1.0#on-webrtc-connected"]);
});

test("a function leaves out what it has no use for", async () => {
  const source = `
    export function onReady(): void {}
    export function onError(): string | null { return "no"; }
    export function onSignalingConnecting(ctx: Context | null): void {}
    export function onWebrtcConnecting(event: PeerEvent): void {}
    export function onWebrtcConnected(event: PeerEvent, ctx: Context): void {}
    export function onWebrtcDisconnected(ctx: Context): void {}
  `;
  assert.equal((await exported(source)).length, 6);
});

test("functions of other files are passed on", async () => {
  const source = `
    export { onStart, stopped as onStop } from "./a";
    export * from "./b";
    function ready(): void {}
    export { ready as onReady };
  `;
  const others = {
    "a.ts": "export function onStart(): void {} export function stopped(): void {}",
    "b/index.ts": `${IMPORTS} export function onWebrtcConnected(event: PeerEvent): void {}`,
  };
  assert.deepEqual(await exported(source, others), [
    "lifecycle@0.1.0#on-ready",
    "lifecycle@0.1.0#on-start",
    "lifecycle@0.1.0#on-stop",
    "webrtc@0.1.0#on-webrtc-connected",
  ]);
});

test("what could not be called is refused, with its place", async () => {
  const cases = {
    "export function onConnected(): void {}": /index\.ts:2: onConnected is named like a hook, but there is none/,
    "export function onStart(event: PeerEvent): void {}": /index\.ts:2: onStart has no payload/,
    "export function onStart(): Error | null { return null; }": /index\.ts:2: onStart returns an error's words, string/,
    "export const onStart = (): void => {};": /index\.ts:2: onStart must be an exported function, not a variable/,
  };
  for (const [source, message] of Object.entries(cases)) await assert.rejects(exported(source), { message });
});
