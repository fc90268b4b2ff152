// The compiler's transform: makes the exports of a module from what an observer's source exports, and gives them the
// names of the contract, which are no identifiers of AssemblyScript.

import { exportedFunctions, exportsSource } from "./exports.mjs";
import { HOOKS } from "./hooks.mjs";

// SourceKind of the compiler
const USER = 0;
const USER_ENTRY = 1;

const PATH = "wasmhost-exports.ts";
const KEPT = new Set(["memory", "cabi_realloc", "_initialize"]);

export default class {
  afterParse(parser) {
    const entries = parser.sources.filter(isEntry);
    if (entries.length !== 1) throw new Error("an observer has one entry file");
    const [entry] = entries;
    // What it exports is for us: nobody else could call it.
    entry.sourceKind = USER;
    const functions = exportedFunctions(entry, parser.sources);
    parser.parseFile(exportsSource(entry.internalPath, functions), PATH, true);
  }

  afterCompile(module) {
    for (const { name, value } of this.exports(module)) {
      if (KEPT.has(name)) continue;
      module.removeExport(name);
      if (HOOKS.has(name)) module.addFunctionExport(value, HOOKS.get(name).exportName);
    }
  }

  exports(module) {
    const count = module.getNumExports();
    return Array.from({ length: count }, (_, index) => this.binaryen.getExportInfo(module.getExportByIndex(index)));
  }
}

/** The runtime that the compiler adds counts as an entry file as well. */
function isEntry({ sourceKind, normalizedPath }) {
  return sourceKind === USER_ENTRY && !normalizedPath.startsWith("~lib/");
}
