import { encode, encodeAscii } from "./text";

/** The major types that are written (RFC 8949 section 3.1), as the upper bits of an item's first byte. */
const UINT: u32 = 0x00;
const BYTES: u32 = 0x40;
const TEXT: u32 = 0x60;
const ARRAY: u32 = 0x80;
const MAP: u32 = 0xa0;

const FALSE: u32 = 0xf4;
const TRUE: u32 = 0xf5;

/** Most reports fit; a larger one moves. */
const FIRST_CAPACITY = 480;
const MOST_OF_A_HEAD = 9;
/** A unit of UTF-16 has at most so many bytes in UTF-8: two units of a pair have four. */
const MOST_OF_A_UNIT = 3;

/**
 * Writes CBOR items one after another, each in its shortest form.
 *
 * The keys of a map are for the caller to put into deterministic order: shorter ones first, equal lengths
 * alphabetically.
 */
export class Writer {
  private buffer: ArrayBuffer = new ArrayBuffer(FIRST_CAPACITY);
  private size: i32 = 0;

  /** The head of a map; as many keys and values follow. */
  map(entries: u32): this {
    return this.head(MAP, entries, 0);
  }

  /** The head of an array; as many items follow. */
  array(items: u32): this {
    return this.head(ARRAY, items, 0);
  }

  /** A number. */
  uint(value: u64): this {
    return this.head(UINT, value, 0);
  }

  /** A truth value. */
  bool(value: bool): this {
    store<u8>(this.reserve(1), value ? TRUE : FALSE);
    this.size++;
    return this;
  }

  /** A text. Half of a surrogate pair becomes U+FFFD. */
  text(value: string): this {
    const before = this.size;
    this.head(TEXT, value.length, value.length * MOST_OF_A_UNIT);
    if (encodeAscii(value, this.end)) {
      this.size += value.length;
      return this;
    }
    this.size = before;
    this.head(TEXT, String.UTF8.byteLength(value), 0);
    this.size += encode(value, this.end);
    return this;
  }

  /** A byte string. */
  bytes(value: Uint8Array): this {
    this.head(BYTES, value.length, value.length);
    memory.copy(this.end, value.dataStart, value.length);
    this.size += value.length;
    return this;
  }

  /** What was written. */
  toBytes(): Uint8Array {
    return Uint8Array.wrap(this.buffer, 0, this.size);
  }

  /** Where in memory it was written. */
  get dataStart(): usize {
    return changetype<usize>(this.buffer);
  }

  /** How many bytes were written. */
  get length(): i32 {
    return this.size;
  }

  private get end(): usize {
    return changetype<usize>(this.buffer) + this.size;
  }

  /** Write an item's first bytes, and have room for so many that follow. */
  private head(type: u32, value: u64, following: i32): this {
    const at = this.reserve(MOST_OF_A_HEAD + following);
    if (value < 24) {
      store<u8>(at, type | (<u32>value));
      this.size += 1;
    } else if (value <= u8.MAX_VALUE) {
      store<u8>(at, type | 24);
      store<u8>(at, value, 1);
      this.size += 2;
    } else if (value <= u16.MAX_VALUE) {
      store<u8>(at, type | 25);
      store<u16>(at, bswap<u16>(<u16>value), 1);
      this.size += 3;
    } else if (value <= u32.MAX_VALUE) {
      store<u8>(at, type | 26);
      store<u32>(at, bswap<u32>(<u32>value), 1);
      this.size += 5;
    } else {
      store<u8>(at, type | 27);
      store<u64>(at, bswap<u64>(value), 1);
      this.size += 9;
    }
    return this;
  }

  /** Where the next bytes go, once there is room for so many. */
  private reserve(more: i32): usize {
    if (this.size + more > this.buffer.byteLength) {
      const larger = new ArrayBuffer(max(this.size + more, 2 * this.buffer.byteLength));
      memory.copy(changetype<usize>(larger), changetype<usize>(this.buffer), this.size);
      this.buffer = larger;
    }
    return this.end;
  }
}
