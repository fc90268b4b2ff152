// Between the strings of AssemblyScript, which are UTF-16, and those of the host, which are UTF-8. Nearly all are ASCII,
// and that goes four characters at a time.

/** A text that lies in an event: its address in the upper half, its size in the lower. */
export type Span = u64;

// @ts-ignore: decorator
@inline
export function span(address: usize, size: usize): Span {
  return ((<u64>address) << 32) | size;
}

/** Make a string of a text in an event. */
export function spanned(text: Span): string {
  return decode(<usize>(text >> 32), <usize>(<u32>text));
}

export function fromUtf8(bytes: ArrayBuffer): string {
  return decode(changetype<usize>(bytes), bytes.byteLength);
}

const FIRST_ROOM = 256;

/** Where the text lies that the host is to read: one at a time, as every import copies at once. */
// @ts-ignore: decorator
@lazy
export let lowered: usize = memory.data(FIRST_ROOM);
// @ts-ignore: decorator
@lazy
let room: i32 = FIRST_ROOM;
// @ts-ignore: decorator
@lazy
let larger: ArrayBuffer | null = null;

/** Put a text there, and return its size. Half of a surrogate pair becomes U+FFFD: the host takes nothing but UTF-8. */
export function lower(text: string): usize {
  makeRoom(text.length);
  if (encodeAscii(text, lowered)) return text.length;
  makeRoom(String.UTF8.byteLength(text));
  return encode(text, lowered);
}

function makeRoom(size: i32): void {
  if (size <= room) return;
  const made = new ArrayBuffer(size);
  larger = made;
  lowered = changetype<usize>(made);
  room = size;
}

/** Write a text as UTF-8, and return its size. */
export function encode(text: string, to: usize): i32 {
  const mode = String.UTF8.ErrorMode.REPLACE;
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, to, false, mode);
}

/** Write a text as so many bytes as it has characters; false where that can't be, and then what is written is waste. */
export function encodeAscii(text: string, to: usize): bool {
  let from = changetype<usize>(text);
  const end = from + ((<usize>text.length) << 1);
  for (; from + 8 <= end; from += 8, to += 4) {
    const four = load<u64>(from);
    if (four & 0xff80_ff80_ff80_ff80) return false;
    store<u32>(to, narrow(four));
  }
  for (; from < end; from += 2, to++) {
    const one = load<u16>(from);
    if (one > 0x7f) return false;
    store<u8>(to, <u8>one);
  }
  return true;
}

function decode(from: usize, size: usize): string {
  // @ts-ignore: only the compiler knows __new
  const text = changetype<string>(__new(size << 1, idof<string>()));
  return decodeAscii(from, size, changetype<usize>(text)) ? text : String.UTF8.decodeUnsafe(from, size);
}

function decodeAscii(from: usize, size: usize, to: usize): bool {
  const end = from + size;
  for (; from + 4 <= end; from += 4, to += 8) {
    const four = load<u32>(from);
    if (four & 0x8080_8080) return false;
    store<u64>(to, widen(four));
  }
  for (; from < end; from++, to += 2) {
    const one = load<u8>(from);
    if (one > 0x7f) return false;
    store<u16>(to, one);
  }
  return true;
}

/** Whether a text in an event is this one, which is ASCII. Most that differ do so in their size. */
export function is(text: Span, wanted: string): bool {
  if (<i32>text != wanted.length) return false;
  let from = <usize>(text >> 32);
  let to = changetype<usize>(wanted);
  const end = from + <u32>text;
  for (; from + 4 <= end; from += 4, to += 8) {
    if (widen(load<u32>(from)) != load<u64>(to)) return false;
  }
  for (; from < end; from++, to += 2) {
    if (load<u8>(from) != load<u16>(to)) return false;
  }
  return true;
}

/** Four bytes as four units of UTF-16. */
// @ts-ignore: decorator
@inline
function widen(four: u64): u64 {
  four = (four | (four << 16)) & 0x0000_ffff_0000_ffff;
  return (four | (four << 8)) & 0x00ff_00ff_00ff_00ff;
}

/** Four units of UTF-16, all of them ASCII, as four bytes. */
// @ts-ignore: decorator
@inline
function narrow(four: u64): u32 {
  four |= four >> 8;
  return (<u32>(four & 0xffff)) | ((<u32>(four >> 16)) & 0xffff_0000);
}
