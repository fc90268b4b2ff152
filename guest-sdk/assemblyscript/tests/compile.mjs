// Compiles a source with the SDK's settings, and runs it, for a test.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
// Found by `NODE_PATH` too, which an import would not look at.
const compiler = createRequire(import.meta.url).resolve("assemblyscript/package.json");
const { main } = await import(new URL("dist/asc.js", pathToFileURL(compiler)));

/** The module, or an error that says what the compiler said. `files`: sources that are on no disk. */
export async function compile(entry, { files = {}, transform = true } = {}) {
  let binary;
  const stderr = { said: "", write: (text) => (stderr.said += text) };
  const options = {
    stderr,
    writeFile: (_, contents) => (binary = contents),
    readFile: (path, base) =>
      files[path] ?? readFile(new URL(path, pathToFileURL(`${base}/`)), "utf8").catch(() => null),
  };
  const transforms = transform ? ["--transform", here("../transform.mjs")] : [];
  const settings = ["--config", here("../asconfig.json"), "--baseDir", here("."), ...transforms];
  const { error } = await main([entry, ...settings, "--outFile", "test.wasm"], options);
  if (error) throw new Error(`${stderr.said}${error.stack}`);
  return new WebAssembly.Module(binary);
}

/** Start a module whose imports do nothing, but keep what it panicked with and what it logged. */
export function start(module) {
  const panics = [];
  const lines = [];
  const text = (data, size) => Buffer.from(exports.memory.buffer, data, size).toString();
  const imports = {};
  for (const { module: face, name } of WebAssembly.Module.imports(module)) {
    imports[face] ??= {};
    imports[face][name] = () => {};
  }
  const { exports } = new WebAssembly.Instance(module, {
    ...imports,
    "wasmhost:observer/panic@0.1.0": { report: (data, size) => panics.push(text(data, size)) },
    "wasmhost:observer/log@0.1.0": { write: (_, data, size) => lines.push(text(data, size)) },
  });
  exports._initialize?.();
  return { exports, panics, lines };
}

/** Put bytes into a module's memory, as the host puts an event. */
export function give(exports, bytes) {
  const data = exports.cabi_realloc(0, 0, 1, bytes.length);
  Buffer.from(exports.memory.buffer).set(bytes, data);
  return [data, bytes.length];
}
