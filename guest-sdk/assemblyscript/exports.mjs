// From what an author exports to what the module exports: a source that is compiled with theirs.

import { HOOKS } from "./hooks.mjs";

const EXPORTED = 2; // CommonFlags.Export of the compiler

/** The functions a source exports, its own and those it passes on: the name of each, and its declaration. */
export function exportedFunctions(source, sources) {
  return source.statements.flatMap((statement) => {
    if (isFunction(statement)) return statement.flags & EXPORTED ? [[statement.name.text, statement]] : [];
    refuseVariables(statement);
    return "members" in statement && "internalPath" in statement ? passedOn(statement, source, sources) : [];
  });
}

/** `export { a, b as c }`, `export { a } from "./b"` and `export * from "./b"`. */
function passedOn({ members, path, internalPath }, source, sources) {
  const paths = [internalPath, `${internalPath}/index`];
  const from = path ? sources.find((other) => paths.includes(other.internalPath)) : source;
  if (!from) return [];
  if (!members) return exportedFunctions(from, sources);
  const declared = new Map(from.statements.filter(isFunction).map((it) => [it.name.text, it]));
  return members
    .filter(({ localName }) => declared.has(localName.text))
    .map(({ localName, exportedName }) => [exportedName.text, declared.get(localName.text)]);
}

/** A hook as a variable would never be called, and nobody would know why. */
function refuseVariables({ declarations }) {
  for (const variable of declarations ?? []) {
    if (variable.flags & EXPORTED && HOOKS.has(variable.name.text)) {
      throw complaint(variable, `${variable.name.text} must be an exported function, not a variable`);
    }
  }
}

function isFunction(statement) {
  return "signature" in statement && "body" in statement;
}

/** The source of a module's exports, for the author's source at `path` and the functions it exports. */
export function exportsSource(path, functions) {
  const hooks = functions.filter(([name]) => /^on[A-Z]/.test(name));
  const initialize = functions.some(([name]) => name === "init") ? "observer.init();" : "";
  return `
import * as observer from ${JSON.stringify(`./${path}`)};
import { context, earlyContext, giveBack, open, returned } from "~lib/wasmhost/frame";
import * as events from "~lib/wasmhost/events";
import { tidy } from "~lib/wasmhost/memory";
import "~lib/wasmhost/globals";
import { Result } from "~lib/wasmhost/raw";
export { cabi_realloc } from "~lib/wasmhost/memory";

let ready: bool = false;
function init(): void {
  if (!ready) {
    ${initialize}
    ready = true;
  }
}
${hooks.map(([name, declaration]) => exportSource(name, declaration)).join("")}`;
}

function exportSource(name, declaration) {
  const hook = HOOKS.get(name);
  if (!hook) throw complaint(declaration, `${name} is named like a hook, but there is none of that name`);
  const wanted = declaration.signature.parameters.map((parameter) => wantedBy(parameter, hook));
  const payload = wanted.includes("event") ? `events.${hook.payload}` : "events.Nothing";
  return `
export function ${name}(data: usize, size: usize): ${hook.fallible ? "Result" : "void"} {
  const event = open<${payload}>("${hook.kebab}", data, size, ${wanted.includes("ctx")}, ${hook.early});
  ${wanted.includes("ctx") ? `const ctx = ${hook.early ? "earlyContext" : "context"}();` : ""}
  init();
  ${served(hook, declaration, `observer.${name}(${wanted.join(", ")})`)}
  tidy();
  ${hook.fallible ? "return returned;" : ""}
}
`;
}

/** A lifecycle hook returns its error, null where there is none; one that never fails may return nothing. */
function served(hook, declaration, call) {
  if (!hook.fallible) return `${call};`;
  const returned = typeName(declaration.signature.returnType);
  if (returned === "Error") throw complaint(declaration, `${hook.name} returns an error's words, string | null`);
  return returned === "void" ? `${call}; giveBack(null);` : `giveBack(${call});`;
}

/** A hook's function has a parameter for what it wants to know: the context, the payload, both or none. */
function wantedBy(parameter, hook) {
  if (typeName(parameter.type) === "Context") return "ctx";
  if (hook.payload) return "event";
  throw complaint(parameter, `${hook.name} has no payload: its one parameter is a Context`);
}

function typeName(type) {
  return type?.name?.identifier?.text;
}

function complaint({ range }, message) {
  const error = new Error(`${range.source.normalizedPath}:${range.source.lineAt(range.start)}: ${message}`);
  error.stack = error.message; // what the compiler shows
  return error;
}
