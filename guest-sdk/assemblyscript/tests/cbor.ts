// The CBOR reader and writer, within reach of cbor.test.mjs: bytes go in as an event does.

import { take } from "wasmhost/memory";
import "wasmhost/globals";
import * as reader from "wasmhost/reader";
import { is, spanned } from "wasmhost/text";
import { Writer } from "wasmhost/writer";

export { cabi_realloc } from "wasmhost/memory";

let out = new Writer();

/** Where the last thing was written, and how much. */
export function start(): usize {
  return out.dataStart;
}

export function length(): i32 {
  return out.length;
}

function open(data: usize, size: usize): void {
  reader.open("on-test", take(data, size), size);
}

export function readUint(data: usize, size: usize): u64 {
  open(data, size);
  const value = reader.uint();
  reader.close();
  return value;
}

export function readUint32(data: usize, size: usize): u32 {
  open(data, size);
  return reader.uint32();
}

export function readBoolean(data: usize, size: usize): bool {
  open(data, size);
  return reader.boolean();
}

export function skip(data: usize, size: usize): void {
  open(data, size);
  reader.skip();
  reader.close();
}

export function isSerialNumber(data: usize, size: usize): bool {
  open(data, size);
  return is(reader.text(), "serial-number");
}

export function writeUint(value: u64): void {
  out = new Writer().uint(value);
}

/** Read a text, make a string of it, and write that. */
export function rewriteText(data: usize, size: usize): void {
  open(data, size);
  out = new Writer().text(spanned(reader.text()));
  reader.close();
}

export function writeHalfAPair(): void {
  out = new Writer().text("🛰".charAt(0));
}

/** One map with a bit of everything. */
export function writeAll(): void {
  out = new Writer().map(3);
  out.text("a").array(2).bool(true).bool(false);
  out.text("b").bytes(Uint8Array.wrap(String.UTF8.encode("xyz")));
  out.text("c").uint(u64.MAX_VALUE);
  out = new Writer().array(2).bytes(out.toBytes()).uint(0);
}
