/** The last words of an observer: what was thrown, and where in the author's files. */

import { BrokenEvent } from "./broken.js";
import { authorFrames } from "./places.js";

/** A panic that is nobody's mistake in the code: it tells the operator what to mend, and needs no place. */
export class Refusal extends Error {}

/** What is reported of an exception that left a hook. */
export function panicWords(hook, error) {
  if (error instanceof BrokenEvent) return `${hook.name}: the event is not what the contract says`;
  if (error instanceof Refusal) return error.message;
  if (!(error instanceof Error)) return `${String(error)} was thrown`;
  const frames = authorFrames(error.stack ?? "");
  return words(error) + (frames.length > 0 ? ` (${frames.join(", ")})` : "");
}

/** An `Error` as such says nothing by its name. */
function words({ name, message }) {
  if (name === "Error") return message || "an error without words";
  return message ? `${name}: ${message}` : name;
}
