//! The capabilities of wit/capabilities.wit as ordinary functions. What is not called is not imported.

const std = @import("std");
const cbor = @import("cbor.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");

/// Lines for the operator's log.
pub const log = struct {
    pub const Level = enum(u32) { trace, debug, info, warn, err };

    pub fn write(level: Level, message: []const u8) void {
        raw.log.write(@backingInt(level), raw.start(message), message.len);
    }
};

/// What an observer may know of the delivery it is in.
pub const delivery = struct {
    /// The event's own time. It does not move while a hook runs, and is the same in a replay.
    pub fn now() u64 {
        return raw.delivery.now();
    }

    /// The event's sequence number, contiguous per source.
    pub fn sequence() u64 {
        return raw.delivery.sequence();
    }

    /// How many events were lost for this observer since its previous delivery.
    pub fn lost() u64 {
        return raw.delivery.lost();
    }

    /// The emitter instance the event comes from, where it says. It lasts until the hook returns.
    pub fn source() ?[]const u8 {
        return current_source;
    }

    /// Set by the frame of every hook.
    pub var current_source: ?[]const u8 = null;

    /// The next number of a stream that a replay repeats. No secret.
    pub fn random() u64 {
        return raw.delivery.random();
    }
};

/// The operator's words for this observer.
pub const config = struct {
    /// The value of a key; it lasts until the hook returns.
    pub fn get(key: []const u8) ?[]const u8 {
        var value: raw.Option = .{};
        raw.config.get(raw.start(key), key.len, &value);
        return value.slice();
    }

    /// The value of a key as a whole number in decimal, `otherwise` where there is none. Anything else than
    /// such a number is a panic that names the key.
    pub fn getInt(comptime T: type, key: []const u8, otherwise: T) T {
        const text = get(key) orelse return otherwise;
        return parseDecimal(T, text) orelse
            refuse(key, text, "a whole number is wanted");
    }

    /// Panic for a value that can't be used, in words the operator can act on.
    pub fn refuse(key: []const u8, value: []const u8, wanted: []const u8) noreturn {
        @branchHint(.cold);
        const parts = [_][]const u8{ "config ", key, ": ", wanted, ", not \"", value, "\"" };
        @panic(std.mem.concat(memory.allocator, u8, &parts) catch "out of memory");
    }

    fn parseDecimal(comptime T: type, text: []const u8) ?T {
        if (text.len == 0) return null;
        var value: T = 0;
        for (text) |character| {
            if (character < '0' or character > '9') return null;
            value = std.math.mul(T, value, 10) catch return null;
            value = std.math.add(T, value, character - '0') catch return null;
        }
        return value;
    }
};

/// One blob that outlives the sandbox; importing it needs the operator's grant.
pub const state = struct {
    /// The blob as last saved; it lasts until the hook returns.
    pub fn load() ?[]const u8 {
        var blob: raw.Option = .{};
        raw.state.load(&blob);
        return blob.slice();
    }

    /// Replace the blob. It counts once the hook has returned.
    pub fn save(blob: []const u8) void {
        raw.state.save(raw.start(blob), blob.len);
    }
};

/// Numbers for the operator's dashboards.
pub const metrics = struct {
    pub fn counterAdd(name: []const u8, by: u64) void {
        raw.metrics.@"counter-add"(raw.start(name), name.len, by);
    }

    pub fn gaugeSet(name: []const u8, value: f64) void {
        raw.metrics.@"gauge-set"(raw.start(name), name.len, value);
    }
};

/// Findings: what an observer is for.
pub const report = struct {
    /// A writer for a report's body, in memory that lasts until the hook returns.
    pub fn body() cbor.Writer {
        return .{ .allocator = memory.allocator };
    }

    /// Send a finding.
    pub fn send(topic: []const u8, finding: cbor.Writer) void {
        const bytes = finding.bytes.items;
        raw.report.send(raw.start(topic), topic.len, raw.start(bytes), bytes.len);
    }
};
