/** Places in the bundle, as places in the author's files: the build knows, and leaves a table. */

const MOST_FRAMES = 16;

/**
 * The author's own frames of a stack, innermost first, each `function file:line`.
 *
 * The table is the global `wasmhostPlaces`: `files`, and `lines` with `file:line` for each line of the bundle that
 * comes from one of them, joined by commas, so that it costs nothing until somebody panics.
 */
export function authorFrames(stack) {
  const places = globalThis.wasmhostPlaces;
  if (places === undefined) return [];
  const lines = places.lines.split(",");
  const frames = [];
  for (const [, name, line] of stack.matchAll(/at (?:(\S+) )?\(?[^\s()]*?:(\d+)(?::\d+)?\)?$/gm)) {
    const place = lines[line - 1];
    if (!place) continue;
    const [file, row] = place.split(":");
    frames.push(`${name ?? "<top>"} ${places.files[file]}:${row}`);
  }
  return frames.slice(0, MOST_FRAMES);
}
