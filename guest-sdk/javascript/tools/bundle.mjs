/**
 * Makes one module of an observer and the SDK, and says what is in it.
 *
 *     node bundle.mjs NODE_MODULES ENTRY OUT
 *
 * ENTRY is the author's module, relative to the project, which is the working directory; NODE_MODULES has esbuild.
 * On standard output goes `{hooks, imports}`: the hooks that are real, and the interfaces that are imported.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { hooksOf } from "./dry-run.mjs";
import { places } from "./places.mjs";

const SDK = path.resolve(import.meta.dirname, "..");
const SDK_FILES = "sdk";
const HOST = /^wasmhost:/;
const STUB = "stub";
/** The SDK as the build knows it, and as its users do. */
const ENTRY = "wasmhost-observer/component";
const NAMED = { [ENTRY]: "src/component.js", "wasmhost-observer": "src/index.js" };
/** The one file of the SDK that does something when it is only loaded. */
const WITH_EFFECT = "src/clock.js";

const [modules, entry, out] = process.argv.slice(2);
const esbuild = createRequire(path.join(path.resolve(modules), "_"))("esbuild");

try {
  const hooks = hooksOf(await bundle({ format: "iife", globalName: "component" }, stubbed));
  const { code, map, imports } = await bundle({ format: "esm", sourcemap: "external" }, external);
  const table = places(JSON.parse(map), isAuthors);
  writeFileSync(out, `${code}globalThis.wasmhostPlaces = ${JSON.stringify(table)};\n`);
  console.log(JSON.stringify({ hooks, imports }));
} catch (error) {
  // What esbuild has found wrong, it has said.
  if (!("errors" in error)) console.error(error.message);
  process.exit(1);
}

async function bundle(options, host) {
  const result = await esbuild.build({
    ...options,
    bundle: true,
    entryPoints: [ENTRY],
    outfile: "bundle.js",
    write: false,
    metafile: true,
    target: "es2023",
    charset: "utf8",
    logLevel: "error",
    color: false,
    plugins: [{ name: "wasmhost", setup: resolver(host) }],
  });
  const text = (name) => result.outputFiles.find((file) => path.basename(file.path) === name)?.text;
  const { imports } = result.metafile.outputs["bundle.js"];
  return {
    code: text("bundle.js"),
    map: text("bundle.js.map"),
    imports: imports.map(({ path }) => path).sort(),
  };
}

/**
 * Whoever installed the SDK, and however: there is this one. Its files are known by their place in it, as a bundle
 * has the names of its files in it, and is to be the same wherever the SDK lies.
 */
function resolver(host) {
  const sdk = (file) => ({ path: file, namespace: SDK_FILES, sideEffects: file === WITH_EFFECT });
  return (build) => {
    build.onResolve({ filter: /^wasmhost-observer\/author$/ }, () => ({ path: path.resolve(entry) }));
    build.onResolve({ filter: /^wasmhost-observer(\/component)?$/ }, ({ path }) => sdk(NAMED[path]));
    build.onResolve({ filter: /^\./, namespace: SDK_FILES }, ({ path: file, importer }) =>
      sdk(path.posix.join(path.posix.dirname(importer), file)),
    );
    build.onLoad({ filter: /./, namespace: SDK_FILES }, ({ path: file }) => ({
      contents: readFileSync(path.join(SDK, file), "utf8"),
    }));
    host(build);
  };
}

/** The SDK's imports stay imports; who does not use one does not have it. */
function external(build) {
  build.onResolve({ filter: HOST, namespace: SDK_FILES }, ({ path }) => ({
    path,
    external: true,
    sideEffects: false,
  }));
}

/** There is no host yet when a module is loaded. */
function stubbed(build) {
  build.onResolve({ filter: HOST, namespace: SDK_FILES }, ({ path }) => ({ path, namespace: STUB }));
  build.onLoad({ filter: /./, namespace: STUB }, () => ({
    contents: `export default new Proxy({}, { get: (_, name) => () => {
      throw new Error(\`\${String(name)} needs the host: call it in init or in a hook\`);
    } });`,
  }));
}

function isAuthors(file) {
  return !file.startsWith(`${SDK_FILES}:`);
}
