/** Loads an observer as the build of its component will, without a host and without node's globals. */

import vm from "node:vm";

const MOST_MS = 10_000;

/** The hooks that a bundled observer has, in snake_case. */
export function hooksOf({ code }) {
  let found;
  try {
    found = vm.runInNewContext(`${code};JSON.stringify(component.hooks)`, {}, { timeout: MOST_MS });
  } catch (error) {
    throw new Error(`the observer fails when it is loaded: ${error?.message ?? error}`);
  }
  const hooks = JSON.parse(found);
  if (hooks.length === 0) {
    throw new Error("the observer has no hook: its module's default export is to be an observer({ … })");
  }
  return hooks;
}
