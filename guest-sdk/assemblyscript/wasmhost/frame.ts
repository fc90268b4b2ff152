// The frame around every hook: what the exports that the compiler's transform makes are made of.

import { Context } from "./events";
import { take } from "./memory";
import * as raw from "./raw";
import * as reader from "./reader";
import { Span, is, lower, lowered, spanned } from "./text";

let ctx: Context | null = null;
let source: Span = 0;
let hasSource: bool = false;

/**
 * Read a hook-event as it travels, with the payload `T`. `wanted`: the observer has a use for its context; `early`: a
 * node that has no identity yet sends none.
 */
export function open<T>(hook: string, data: usize, size: usize, wanted: bool, early: bool): T {
  reader.open(hook, take(data, size), size);
  ctx = null;
  hasSource = false;
  let hasContext = early;
  let payload: T | null = null;
  for (let left = reader.map(); left > 0; left--) {
    const key = reader.text();
    if (is(key, "ctx")) {
      if (wanted) ctx = new Context();
      else reader.skip();
      hasContext = true;
    } else if (is(key, "event")) {
      payload = instantiate<T>();
    } else if (is(key, "src")) {
      source = reader.text();
      hasSource = true;
    } else reader.skip();
  }
  reader.close();
  if (!hasContext || payload === null) reader.broken();
  return payload!;
}

/** The context of the event that is open, where there must be one. */
export function context(): Context {
  return ctx!;
}

/** The context of the event that is open, for the two hooks that can come before the node has an identity. */
export function earlyContext(): Context | null {
  return ctx;
}

/** The `src` of the event that is open. */
export function currentSource(): string | null {
  return hasSource ? spanned(source) : null;
}

/** What the lifecycle hook that was called last returned. The host reads it before it calls anything else. */
export const returned = changetype<raw.Result>(memory.data(offsetof<raw.Result>(), alignof<usize>()));

/** Lower a hook's error, or that there is none, to `result<_, string>`. */
export function giveBack(error: string | null): void {
  returned.isError = u8(error !== null);
  if (error === null) return;
  returned.size = lower(error);
  returned.data = lowered;
}
