import assert from "node:assert/strict";
import test from "node:test";

import "./stand-ins.js";
import { encode } from "../src/encode.js";
import { HOOKS } from "../src/hooks.js";
import { ObserverError, hooksOf, observer } from "../src/observer.js";
import { Refusal } from "../src/panic.js";
import { currentSource } from "../src/source.js";
import { serve } from "../src/serve.js";

const ctx = {
  "self-id": {
    realm: { "realm-id": 7 },
    "serial-number": 1,
    type: { manufacturer: "lab", name: "node", version: "1.0.0" },
  },
  "request-id": "",
};
const bare = encode({ at: 1, seq: 0, src: "here", ctx, event: {} });
const early = encode({ at: 1, seq: 0, event: {} });

/** Serve an observer; what it says when it panics is thrown. */
function served(methods) {
  return serve(observer(methods), (words) => {
    throw `panic: ${words}`;
  });
}

test("all hooks are served, and those an observer lacks do nothing", () => {
  const interfaces = served({});
  assert.equal(HOOKS.length, 16);
  for (const hook of HOOKS) interfaces[hook.interface][hook.method](Uint8Array.of());
});

test("a hook is called as a method, after init, which is called once", () => {
  const calls = [];
  const { lifecycle } = served({
    name: "me",
    init() {
      calls.push(`init ${this.name}`);
    },
    onStart(context) {
      calls.push(`start ${this.name} ${context.selfId.type.name} ${currentSource()}`);
    },
  });
  lifecycle.onStart(bare);
  lifecycle.onStart(bare);
  assert.deepEqual(calls, ["init me", "start me node here", "start me node here"]);
});

test("no hook is called before an init that has succeeded", () => {
  const calls = [];
  const { lifecycle } = served({
    init() {
      calls.push("init");
      if (calls.length < 3) throw new ObserverError("not yet");
    },
    onStart() {
      calls.push("start");
    },
  });
  for (let turn = 0; turn < 2; turn++) assert.throws(() => lifecycle.onStart(bare), /not yet/);
  lifecycle.onStart(bare);
  assert.deepEqual(calls, ["init", "init", "init", "start"]);
});

test("the hooks of a class count, and a misspelt one is told", () => {
  class Watch {
    onStop() {}
  }
  assert.deepEqual(
    hooksOf(observer(new Watch())).map((hook) => hook.name),
    ["on-stop"],
  );
  assert.throws(() => observer({ onWebrtcConected() {} }), /onWebrtcConected is named like a hook/);
});

test("only the early hooks do without a context", () => {
  const interfaces = served({ onSignalingConnected() {}, onSignalingDisconnected() {} });
  interfaces.signaling.onSignalingConnected(early);
  assert.throws(
    () => interfaces.signaling.onSignalingDisconnected(early),
    (words) => words === "panic: on-signaling-disconnected: the event is not what the contract says",
  );
});

test("an observer's error is thrown in words by a lifecycle hook, and a panic elsewhere", () => {
  const fail = () => {
    throw new ObserverError("no relay");
  };
  const interfaces = served({ onStart: fail, onSignalingConnected: fail });
  assert.throws(
    () => interfaces.lifecycle.onStart(bare),
    (words) => words === "no relay",
  );
  assert.throws(
    () => interfaces.signaling.onSignalingConnected(early),
    (words) => words === "panic: ObserverError: no relay",
  );
});

test("whatever else is thrown is a panic, with its words", () => {
  for (const [thrown, words] of [
    [new Error("boo"), "boo"],
    [new Error(), "an error without words"],
    [new TypeError("x is not a function"), "TypeError: x is not a function"],
    [new Refusal("config key: a whole number is wanted"), "config key: a whole number is wanted"],
    ["text", "text was thrown"],
    [undefined, "undefined was thrown"],
  ]) {
    const { lifecycle } = served({
      onStart() {
        throw thrown;
      },
    });
    assert.throws(
      () => lifecycle.onStart(bare),
      (said) => said === `panic: ${words}`,
    );
  }
});

test("a hook that would wait is a panic", () => {
  const { lifecycle } = served({ async onStart() {} });
  assert.throws(
    () => lifecycle.onStart(bare),
    (words) => words === "panic: TypeError: onStart is asynchronous, and a hook cannot wait",
  );
});
