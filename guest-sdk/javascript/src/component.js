/**
 * The component's own module: its exports are those of the world.
 *
 * The build bundles it with the author's module, which it knows as `wasmhost-observer/author`.
 */

import rawPanic from "wasmhost:javascript/panic@0.1.0";
import rawOutside from "wasmhost:javascript/outside@0.1.0";

import "./clock.js"; // before the author's module, which may look at it
import author from "wasmhost-observer/author";

import { hooksOf } from "./observer.js";
import { outside } from "./outside.js";
import { serve } from "./serve.js";
import { textOf } from "./utf8.js";

outside.open = rawOutside.open;
outside.decode = rawOutside.decode;

export const { lifecycle, signaling, websocket, webrtc, credential, mailbox } = serve(author, (words) => {
  rawPanic.report(textOf(words));
  rawPanic.trap();
});

/** For the build: the hooks that are real, as the host spells them. */
export const hooks = hooksOf(author).map((hook) => hook.name.replaceAll("-", "_"));
