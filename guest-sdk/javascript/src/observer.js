/** What an author's module has as its default export. */

import { HOOKS } from "./hooks.js";

/** Thrown in a lifecycle hook it is the hook's error: the node's owner reads it, and nothing has panicked. */
export class ObserverError extends Error {
  name = "ObserverError";
}

/** Make an observer of an object whose methods are the hooks it wants to hear. */
export function observer(methods) {
  for (const name of namesOf(methods)) {
    if (/^on[A-Z]/.test(name) && !HOOKS.some((hook) => hook.method === name)) {
      throw new TypeError(`${name} is named like a hook, but there is none of that name`);
    }
  }
  return methods;
}

/** The hooks an observer has. */
export function hooksOf(methods) {
  return HOOKS.filter((hook) => typeof methods?.[hook.method] === "function");
}

/** The names of an object's properties, and of the methods of its class. */
function namesOf(object) {
  if (object === null || object === Object.prototype) return [];
  return [...Object.getOwnPropertyNames(object), ...namesOf(Object.getPrototypeOf(object))];
}
