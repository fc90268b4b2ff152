//! Events as typed values, read from their CBOR.
//!
//! A record is declared once, as a struct; how it is read follows from its fields. A field is the map's
//! key in snake_case, an optional one may be absent, and keys that are not fields are skipped.

const std = @import("std");
const cbor = @import("cbor.zig");

/// Unix time in nanoseconds.
pub const Timestamp = u64;

pub const Realm = struct {
    realm_id: u32,
};

pub const ActrType = struct {
    manufacturer: []const u8,
    name: []const u8,
    version: []const u8,
};

/// A node's full identity.
pub const ActrId = struct {
    realm: Realm,
    serial_number: u64,
    type: ActrType,
};

/// Who observed the event.
pub const Context = struct {
    self_id: ActrId,
    caller_id: ?ActrId,
    request_id: []const u8,
};

pub const PeerStatus = enum { idle, connecting, connected, recovering };

pub const ErrorCategory = enum {
    handler_panic,
    handler_error,
    signaling_failure,
    transport_failure,
    data_stream_delivery_uncertain,
};

pub const SignalingEvent = struct {
    attempt: ?u32,
};

pub const PeerEvent = struct {
    peer: ActrId,
    relayed: ?bool,
    status: ?PeerStatus,
};

pub const ErrorSource = struct {
    kind: []const u8,
    message: []const u8,
};

pub const StreamInfo = struct {
    stream_id: []const u8,
    session_id: u64,
    reason: []const u8,
};

pub const ErrorEvent = struct {
    source: ErrorSource,
    category: ErrorCategory,
    context: []const u8,
    at: Timestamp,
    stream: ?StreamInfo,
};

pub const CredentialEvent = struct {
    new_expiry: Timestamp,
};

pub const BackpressureEvent = struct {
    queue_len: u64,
    threshold: u64,
};

/// An item that is there and that nobody wants to read.
const Skipped = struct {};

/// A hook-event as it travels. The payload is the record that belongs to the hook; the context is skipped
/// where the hook does not want it.
pub fn Frame(comptime wants_context: bool, comptime Payload: type) type {
    return struct {
        at: Timestamp,
        ctx: ?if (wants_context) Context else Skipped,
        seq: u64,
        src: ?[]const u8,
        event: Payload,

        /// False where the bytes are not what the contract says.
        pub fn decode(self: *@This(), bytes: []const u8) bool {
            var reader: cbor.Reader = .init(bytes);
            readInto(@This(), self, &reader);
            return reader.done();
        }
    };
}

/// Values are read where they are to be: a record is read field by field, and none is ever copied.
fn readInto(comptime T: type, value: *T, reader: *cbor.Reader) void {
    switch (T) {
        bool => value.* = reader.boolean(),
        []const u8 => value.* = reader.text(),
        Skipped => reader.skip(),
        else => switch (@typeInfo(T)) {
            .int => value.* = reader.uint(T),
            .@"enum" => value.* = readEnum(T, reader),
            .@"struct" => readRecord(T, value, reader),
            .optional => |optional| {
                value.* = @as(optional.child, undefined);
                readInto(optional.child, &value.*.?, reader);
            },
            else => comptime unreachable,
        },
    }
}

fn readEnum(comptime T: type, reader: *cbor.Reader) T {
    const name = reader.text();
    inline for (@typeInfo(T).@"enum".field_names) |field| {
        if (is(name, comptime kebab(field))) return @field(T, field);
    }
    reader.fail();
    return undefined;
}

noinline fn readRecord(comptime T: type, value: *T, reader: *cbor.Reader) void {
    const record = @typeInfo(T).@"struct";
    // One bit for each field that was there; the optional ones are there from the start.
    var seen: u32 = 0;
    inline for (record.field_names, record.field_types, 0..) |name, Type, bit| {
        if (@typeInfo(Type) == .optional) {
            @field(value, name) = null;
            seen |= 1 << bit;
        }
    }
    var entries = reader.map();
    while (entries > 0 and !reader.bad) : (entries -= 1) {
        const key = reader.text();
        inline for (record.field_names, record.field_types, 0..) |name, Type, bit| {
            if (is(key, comptime kebab(name))) {
                readInto(Type, &@field(value, name), reader);
                seen |= 1 << bit;
                break;
            }
        } else reader.skip();
    }
    if (seen != (1 << record.field_names.len) - 1) reader.fail();
}

/// Compares with a name that is known when this is compiled: its size first, because most keys that differ
/// do so there, then a few words instead of many bytes.
inline fn is(key: []const u8, comptime name: []const u8) bool {
    if (key.len != name.len) return false;
    comptime var at = 0;
    inline while (at < name.len) {
        const Word = switch (name.len - at) {
            1 => u8,
            2, 3 => u16,
            4...7 => u32,
            else => u64,
        };
        const wanted: Word = comptime @bitCast(name[at..][0..@sizeOf(Word)].*);
        if (@as(*align(1) const Word, @ptrCast(key[at..])).* != wanted) return false;
        at += @sizeOf(Word);
    }
    return true;
}

/// The WIT's spelling of one of our names.
fn kebab(comptime name: []const u8) []const u8 {
    comptime {
        var spelled: [name.len]u8 = undefined;
        for (name, &spelled) |from, *to| to.* = if (from == '_') '-' else from;
        const fixed = spelled;
        return &fixed;
    }
}
