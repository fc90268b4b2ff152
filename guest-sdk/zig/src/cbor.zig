//! CBOR as far as the contract allows it (section 2): definite lengths, no tags, text keys.

const std = @import("std");

const Major = enum(u3) { uint, nint, bytes, text, array, map, tag, simple };

/// The first byte of the empty text; those of the next 23 sizes follow.
const short_text = 0x60;
const false_byte = 0xf4;
const true_byte = 0xf5;

/// Reads items one after another as views into the bytes it was given; nothing is copied.
///
/// The first item that is not as asked for makes the reader bad, for good: every read after that gives zero
/// or nothing, so only the end needs a check. Errors as values would cost each small read a branch and a
/// copy, and there are about fifty of them in an event.
pub const Reader = struct {
    at: [*]const u8,
    left: usize,
    bad: bool = false,

    pub fn init(bytes: []const u8) Reader {
        return .{ .at = bytes.ptr, .left = bytes.len };
    }

    /// Whether all went well and nothing is left over.
    pub fn done(self: *const Reader) bool {
        return !self.bad and self.left == 0;
    }

    /// Make the reader bad.
    pub fn fail(self: *Reader) void {
        self.bad = true;
        self.left = 0;
    }

    /// The number of entries of the map that follows.
    pub fn map(self: *Reader) u64 {
        return self.expect(.map);
    }

    /// An unsigned integer that fits the type.
    pub fn uint(self: *Reader, comptime T: type) T {
        return std.math.cast(T, self.expect(.uint)) orelse {
            self.fail();
            return 0;
        };
    }

    pub fn boolean(self: *Reader) bool {
        if (self.left > 0 and (self.at[0] == false_byte or self.at[0] == true_byte)) {
            return self.byte() == true_byte;
        }
        self.fail();
        return false;
    }

    /// A text. Most are keys and names of under 24 bytes, whose head is a single byte.
    pub noinline fn text(self: *Reader) []const u8 {
        const size: u64 = if (self.left > 0 and self.at[0] -% short_text < 24)
            self.byte() - short_text
        else
            self.expect(.text);
        if (size > self.left) {
            self.fail();
            return "";
        }
        defer self.advance(@intCast(size));
        return self.at[0..@intCast(size)];
    }

    /// Go over the next item, whatever it is.
    ///
    /// Walks instead of recursing, so that no nesting can use up the stack. `pending` can't wrap: each
    /// head adds at most twice the bytes left, and there are no more heads than bytes.
    ///
    /// A whole context may be skipped, so the walk keeps its position in locals.
    pub fn skip(self: *Reader) void {
        var rest: []const u8 = self.at[0..self.left];
        var pending: u64 = 1;
        while (pending > 0) : (pending -= 1) {
            if (rest.len == 0) return self.fail();
            const initial = rest[0];
            rest = rest[1..];
            var size: u64 = initial & 0x1f;
            if (size >= 24) {
                const width = argumentWidth(size);
                if (width > rest.len) return self.fail();
                size = bigEndian(rest[0..width]);
                rest = rest[width..];
            }
            switch (major(initial)) {
                .uint, .nint, .simple => continue,
                .tag => return self.fail(),
                else => if (size > rest.len) return self.fail(),
            }
            switch (major(initial)) {
                .map => pending += 2 * size,
                .array => pending += size,
                else => rest = rest[@intCast(size)..],
            }
        }
        self.advance(self.left - rest.len);
    }

    /// The argument of an item that must be of this type; zero where it is not.
    noinline fn expect(self: *Reader, wanted: Major) u64 {
        if (self.left == 0 or major(self.at[0]) != wanted) {
            self.fail();
            return 0;
        }
        return self.argument(self.byte());
    }

    /// What follows an item's first byte to complete its head (RFC 8949 section 3).
    inline fn argument(self: *Reader, initial: u8) u64 {
        const info: u5 = @truncate(initial);
        return if (info < 24) info else self.wideArgument(info);
    }

    noinline fn wideArgument(self: *Reader, info: u5) u64 {
        const width = argumentWidth(info);
        if (width > self.left) {
            self.fail();
            return 0;
        }
        defer self.advance(width);
        return bigEndian(self.at[0..width]);
    }

    inline fn byte(self: *Reader) u8 {
        defer self.advance(1);
        return self.at[0];
    }

    inline fn advance(self: *Reader, size: usize) void {
        self.at += size;
        self.left -= size;
    }
};

/// The bytes an argument of its own takes: 1, 2, 4 or 8. 28 to 30 are reserved, 31 is an indefinite length;
/// the contract has none of them, and no item is as long as the width they get here.
inline fn argumentWidth(info: u64) usize {
    return if (info < 28) @as(usize, 1) << @intCast(info - 24) else std.math.maxInt(usize);
}

noinline fn bigEndian(bytes: []const u8) u64 {
    var value: u64 = 0;
    for (bytes) |next| value = value << 8 | next;
    return value;
}

inline fn major(initial: u8) Major {
    return @fromBackingInt(@intCast(initial >> 5));
}

/// Writes items in their shortest form. The keys of a map are for the caller to put into deterministic
/// order: shorter ones first, equal lengths alphabetically.
pub const Writer = struct {
    bytes: std.ArrayList(u8) = .empty,
    allocator: std.mem.Allocator,

    pub fn map(self: *Writer, entries: usize) void {
        self.head(.map, entries);
    }

    pub fn array(self: *Writer, items: usize) void {
        self.head(.array, items);
    }

    pub fn uint(self: *Writer, value: u64) void {
        self.head(.uint, value);
    }

    pub fn boolean(self: *Writer, value: bool) void {
        self.append(&.{if (value) true_byte else false_byte});
    }

    pub fn text(self: *Writer, value: []const u8) void {
        self.head(.text, value.len);
        self.append(value);
    }

    fn head(self: *Writer, major_: Major, value: u64) void {
        const initial = @as(u8, @backingInt(major_)) << 5;
        if (value < 24) return self.append(&.{initial | @as(u8, @intCast(value))});
        const log2: u2 = switch (value) {
            0...0xff => 0,
            0x100...0xffff => 1,
            0x1_0000...0xffff_ffff => 2,
            else => 3,
        };
        self.append(&.{initial | @as(u8, 24) + log2});
        var big_endian: [8]u8 = undefined;
        std.mem.writeInt(u64, &big_endian, value, .big);
        self.append(big_endian[8 - (@as(usize, 1) << log2) ..]);
    }

    fn append(self: *Writer, data: []const u8) void {
        self.bytes.appendSlice(self.allocator, data) catch @panic("out of memory");
    }
};

const testing = std.testing;

fn expectBad(bytes: []const u8) !void {
    var reader: Reader = .init(bytes);
    reader.skip();
    try testing.expect(reader.bad);
}

test "a head of every width is read, and written in its shortest form" {
    const cases = [_]struct { u64, []const u8 }{
        .{ 0, "\x00" },
        .{ 23, "\x17" },
        .{ 24, "\x18\x18" },
        .{ 0xff, "\x18\xff" },
        .{ 0x100, "\x19\x01\x00" },
        .{ 0x10000, "\x1a\x00\x01\x00\x00" },
        .{ std.math.maxInt(u32), "\x1a\xff\xff\xff\xff" },
        .{ 1 << 32, "\x1b\x00\x00\x00\x01\x00\x00\x00\x00" },
        .{ std.math.maxInt(u64), "\x1b\xff\xff\xff\xff\xff\xff\xff\xff" },
    };
    for (cases) |case| {
        var reader: Reader = .init(case[1]);
        try testing.expectEqual(case[0], reader.uint(u64));
        try testing.expect(reader.done());
        var writer: Writer = .{ .allocator = testing.allocator };
        defer writer.bytes.deinit(testing.allocator);
        writer.uint(case[0]);
        try testing.expectEqualSlices(u8, case[1], writer.bytes.items);
    }
}

test "a number that does not fit is refused" {
    var reader: Reader = .init("\x1b\x00\x00\x00\x01\x00\x00\x00\x00");
    try testing.expectEqual(0, reader.uint(u32));
    try testing.expect(reader.bad);
}

test "skipping goes over nested items and stops behind them" {
    var reader: Reader = .init("\xa2\x61a\x82\x01\xa0\x61b\x43xyz\x07");
    reader.skip();
    try testing.expectEqual(7, reader.uint(u8));
    try testing.expect(reader.done());
}

test "an item of another type is refused, and a half float is no boolean" {
    var text: Reader = .init("\x00");
    try testing.expectEqualStrings("", text.text());
    try testing.expect(text.bad);
    var boolean: Reader = .init("\xf9\x00\x15");
    try testing.expect(!boolean.boolean());
    try testing.expect(boolean.bad);
}

test "what the contract does not allow is refused" {
    try expectBad("");
    try expectBad("\x18");
    try expectBad("\x1c");
    try expectBad("\x9f\xff");
    try expectBad("\xc1\x00");
    try expectBad("\x62a");
    try expectBad("\x82\x01");
    try expectBad("\xbb\xff\xff\xff\xff\xff\xff\xff\xff");
}

test "deep nesting costs no stack" {
    const depth = 100_000;
    var bytes: [depth + 1]u8 = @splat(0x81);
    bytes[depth] = 0;
    var reader: Reader = .init(&bytes);
    reader.skip();
    try testing.expect(reader.done());
}
