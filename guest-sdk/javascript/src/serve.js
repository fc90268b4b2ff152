/** From the functions the host calls to an author's hooks: every event goes through here. */

import { broken } from "./broken.js";
import { Frame } from "./frame.js";
import { HOOKS } from "./hooks.js";
import { ObserverError, hooksOf } from "./observer.js";
import { panicWords } from "./panic.js";
import { setFrame } from "./source.js";

/** The interfaces of wit/hooks.wit, each an object with all of its functions. `panic` does not return. */
export function serve(observer, panic) {
  const interfaces = {};
  const has = new Set(hooksOf(observer));
  const begin = beginner(observer);
  for (const hook of HOOKS) {
    const functions = (interfaces[hook.interface] ??= {});
    functions[hook.method] = has.has(hook) ? entry(hook, observer, begin, panic) : () => {};
  }
  return interfaces;
}

/** `init` comes before the first hook, and again before the next one where it threw what a hook may return. */
function beginner(observer) {
  let begun = typeof observer.init !== "function";
  return () => {
    if (begun) return;
    observer.init();
    begun = true;
  };
}

function entry(hook, observer, begin, panic) {
  return (bytes) => {
    try {
      const frame = new Frame(bytes);
      const { context } = frame;
      const payload = frame.payload(hook.Payload);
      if (context === undefined && !hook.early) broken();
      setFrame(frame);
      begin();
      const result = observer[hook.method](context, payload);
      if (typeof result?.then === "function") {
        throw new TypeError(`${hook.method} is asynchronous, and a hook cannot wait`);
      }
    } catch (error) {
      if (hook.fallible && error instanceof ObserverError) throw error.message;
      panic(panicWords(hook, error));
    }
  };
}
