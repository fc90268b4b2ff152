//! The probe of ../README.md in Zig.

const std = @import("std");
const wasmhost = @import("wasmhost");

const Context = wasmhost.Context;
const BackpressureEvent = wasmhost.BackpressureEvent;
const Writer = wasmhost.cbor.Writer;

pub const panic = wasmhost.panic;

comptime {
    wasmhost.exportObserver(Probe);
}

const Probe = struct {
    pub fn onStart(_: *Probe, ctx: *const Context) wasmhost.Result {
        if (wasmhost.config.get("panic")) |words| @panic(words);
        seen(ctx, .{});
        return .ok;
    }

    pub fn onReady(_: *Probe) wasmhost.Result {
        useCapabilities();
        return .ok;
    }

    pub fn onStop(_: *Probe, ctx: *const Context) wasmhost.Result {
        seen(ctx, .{});
        const words = wasmhost.config.get("error") orelse return .ok;
        return .{ .failed = words };
    }

    pub fn onError(_: *Probe, ctx: *const Context, event: *const wasmhost.ErrorEvent) wasmhost.Result {
        seen(ctx, event.*);
        return .ok;
    }

    pub fn onSignalingConnecting(_: *Probe, ctx: ?*const Context, event: *const wasmhost.SignalingEvent) void {
        seen(ctx, event.*);
    }

    pub fn onSignalingConnected(_: *Probe, ctx: ?*const Context) void {
        seen(ctx, .{});
    }

    pub fn onSignalingDisconnected(_: *Probe, ctx: *const Context) void {
        seen(ctx, .{});
    }

    pub fn onWebsocketConnecting(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onWebsocketConnected(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onWebsocketDisconnected(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onWebrtcConnecting(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onWebrtcConnected(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onWebrtcDisconnected(_: *Probe, ctx: *const Context, event: *const wasmhost.PeerEvent) void {
        seen(ctx, event.*);
    }

    pub fn onCredentialRenewed(_: *Probe, ctx: *const Context, event: *const wasmhost.CredentialEvent) void {
        seen(ctx, event.*);
    }

    pub fn onCredentialExpiring(_: *Probe, ctx: *const Context, event: *const wasmhost.CredentialEvent) void {
        seen(ctx, event.*);
    }

    pub fn onMailboxBackpressure(_: *Probe, ctx: *const Context, event: *const BackpressureEvent) void {
        seen(ctx, event.*);
    }
};

fn seen(ctx: ?*const Context, event: anytype) void {
    if (wasmhost.config.get("mode") != null) useCapabilities();
    var out = wasmhost.report.body();
    write(&out, .{
        .ctx = if (ctx) |context| context.* else @as(?Context, null),
        .src = wasmhost.delivery.source(),
        .event = event,
    });
    wasmhost.report.send("seen", out);
}

fn useCapabilities() void {
    inline for (.{ "trace", "debug", "info", "warn" }) |level| {
        wasmhost.log.write(@field(wasmhost.log.Level, level), level);
    }
    wasmhost.log.write(.err, "error ✓");
    wasmhost.metrics.counterAdd("ready", std.math.maxInt(u64));
    wasmhost.metrics.gaugeSet("half", 0.5);
    useState();
    reportDelivery();
    reportConfig();
    obey(wasmhost.config.get("mode") orelse return);
}

/// Goes wrong as the operator says.
fn obey(mode: []const u8) void {
    if (std.mem.eql(u8, mode, "panic")) @panic("as told");
    if (std.mem.eql(u8, mode, "loop")) while (true) {};
    if (std.mem.eql(u8, mode, "grow")) while (true) {
        const kept = wasmhost.allocator.alloc(u8, 65_536) catch @panic("out of memory");
        std.mem.doNotOptimizeAway(kept.ptr);
    };
}

fn useState() void {
    const blob = wasmhost.state.load() orelse return wasmhost.state.save("?");
    const longer = std.mem.concat(wasmhost.allocator, u8, &.{ blob, "!" }) catch @panic("out of memory");
    wasmhost.state.save(longer);
}

fn reportDelivery() void {
    var out = wasmhost.report.body();
    write(&out, .{
        .now = wasmhost.delivery.now(),
        .lost = wasmhost.delivery.lost(),
        .random = wasmhost.delivery.random(),
        .source = wasmhost.delivery.source() orelse "",
        .sequence = wasmhost.delivery.sequence(),
    });
    wasmhost.report.send("delivery", out);
}

fn reportConfig() void {
    var out = wasmhost.report.body();
    write(&out, .{
        .value = wasmhost.config.get("value") orelse "",
        .number = wasmhost.config.getInt(u64, "number", 7),
    });
    wasmhost.report.send("config", out);
}

/// Writes any record; absent optionals are left out.
fn write(out: *Writer, value: anytype) void {
    const T = @TypeOf(value);
    switch (T) {
        []const u8, *const [0:0]u8 => out.text(value),
        bool => out.boolean(value),
        else => switch (@typeInfo(T)) {
            .int => out.uint(value),
            .@"enum" => out.text(nameOf(value)),
            .@"struct" => writeRecord(out, value),
            else => comptime unreachable,
        },
    }
}

fn writeRecord(out: *Writer, record: anytype) void {
    const names = comptime sorted(@typeInfo(@TypeOf(record)).@"struct".field_names);
    var entries: usize = 0;
    inline for (names) |name| {
        const value = @field(record, name);
        entries += if (@typeInfo(@TypeOf(value)) == .optional) @intFromBool(value != null) else 1;
    }
    out.map(entries);
    inline for (names) |name| {
        const value = @field(record, name);
        if (@typeInfo(@TypeOf(value)) != .optional) {
            out.text(comptime kebab(name));
            write(out, value);
        } else if (value) |present| {
            out.text(comptime kebab(name));
            write(out, present);
        }
    }
}

/// The fields in the order of deterministic encoding.
fn sorted(comptime names: []const [:0]const u8) [names.len][:0]const u8 {
    comptime {
        @setEvalBranchQuota(10_000);
        var order: [names.len][:0]const u8 = names[0..names.len].*;
        std.mem.sort([:0]const u8, &order, {}, comesBefore);
        return order;
    }
}

fn comesBefore(_: void, left: [:0]const u8, right: [:0]const u8) bool {
    return if (left.len == right.len) std.mem.lessThan(u8, left, right) else left.len < right.len;
}

/// An enum's case as the WIT spells it.
fn nameOf(value: anytype) []const u8 {
    switch (value) {
        inline else => |case| return comptime kebab(@tagName(case)),
    }
}

fn kebab(comptime name: []const u8) []const u8 {
    comptime {
        var spelled: [name.len]u8 = undefined;
        for (name, &spelled) |from, *to| to.* = if (from == '_') '-' else from;
        const fixed = spelled;
        return &fixed;
    }
}
