//! The table of hooks, and the exports of an observer that follow from its methods.

const std = @import("std");
const capabilities = @import("capabilities.zig");
const events = @import("events.zig");
const memory = @import("memory.zig");
const raw = @import("raw.zig");

/// What a lifecycle hook returns.
pub const Result = union(enum) {
    ok,
    /// The hook's error, in words; the text must outlive the call, as literals and hook memory do.
    failed: []const u8,
};

/// One hook: the method that serves it, the WIT interface it belongs to, and its payload's record.
const Hook = struct {
    method: []const u8,
    interface: []const u8,
    Payload: ?type,
    /// It returns `Result`.
    fallible: bool = false,
    /// It can come before the node has an identity, and then has no context.
    early: bool = false,

    /// Its name in wit/hooks.wit: `onWebrtcConnected` is `on-webrtc-connected` there.
    fn name(comptime hook: Hook) []const u8 {
        comptime {
            var spelled: []const u8 = "";
            for (hook.method) |letter| {
                if (std.ascii.isUpper(letter)) spelled = spelled ++ "-";
                spelled = spelled ++ .{std.ascii.toLower(letter)};
            }
            return spelled;
        }
    }

    fn exportName(comptime hook: Hook) []const u8 {
        return "wasmhost:observer/" ++ hook.interface ++ "@0.1.0#" ++ hook.name();
    }
};

fn lifecycle(method: []const u8, Payload: ?type) Hook {
    return .{ .method = method, .interface = "lifecycle", .Payload = Payload, .fallible = true };
}

fn early(method: []const u8, Payload: ?type) Hook {
    return .{ .method = method, .interface = "signaling", .Payload = Payload, .early = true };
}

fn plain(interface: []const u8, method: []const u8, Payload: ?type) Hook {
    return .{ .method = method, .interface = interface, .Payload = Payload };
}

/// All sixteen, as wit/hooks.wit declares them.
const table = [_]Hook{
    lifecycle("onStart", null),
    lifecycle("onReady", null),
    lifecycle("onStop", null),
    lifecycle("onError", events.ErrorEvent),
    early("onSignalingConnecting", events.SignalingEvent),
    early("onSignalingConnected", null),
    plain("signaling", "onSignalingDisconnected", null),
    plain("websocket", "onWebsocketConnecting", events.PeerEvent),
    plain("websocket", "onWebsocketConnected", events.PeerEvent),
    plain("websocket", "onWebsocketDisconnected", events.PeerEvent),
    plain("webrtc", "onWebrtcConnecting", events.PeerEvent),
    plain("webrtc", "onWebrtcConnected", events.PeerEvent),
    plain("webrtc", "onWebrtcDisconnected", events.PeerEvent),
    plain("credential", "onCredentialRenewed", events.CredentialEvent),
    plain("credential", "onCredentialExpiring", events.CredentialEvent),
    plain("mailbox", "onMailboxBackpressure", events.BackpressureEvent),
};

/// Make a module of an observer: every public method named after a hook is exported, and no other.
///
/// A method is `fn (*Observer, *const Context, *const Payload) void`. Where the hook has no payload there is
/// none; the two early signaling hooks get a `?*const Context`; a lifecycle hook returns `Result`. A method
/// that leaves the context out does not pay for reading it. All fields of the observer need defaults: it is
/// static storage. Where it has a method `init`, that is called once, before the first hook.
pub fn exportObserver(comptime Observer: type) void {
    memory.exportRealloc();
    for (std.meta.declarations(Observer)) |declaration| {
        if (!std.mem.startsWith(u8, declaration, "on")) continue;
        const hook = find(declaration) orelse
            @compileError(declaration ++ " is named like a hook, but there is none of that name");
        Exports(Observer, hook.method).all();
    }
}

fn find(comptime method: []const u8) ?Hook {
    @setEvalBranchQuota(10_000); // for comparing names
    for (table) |hook| {
        if (std.mem.eql(u8, hook.method, method)) return hook;
    }
    return null;
}

/// The observer itself: one in a module.
fn Instance(comptime Observer: type) type {
    return struct {
        var value: Observer = .{};
        var ready: bool = false;

        fn get() *Observer {
            if (@hasDecl(Observer, "init") and !ready) {
                value.init();
                ready = true;
            }
            return &value;
        }
    };
}

/// Made from the method's name alone, so that it is what a backtrace shows.
fn Exports(comptime Observer: type, comptime method_name: []const u8) type {
    return struct {
        const hook = find(method_name).?;

        fn all() void {
            if (hook.fallible) {
                @export(&serveFallible, .{ .name = hook.exportName() });
                @export(&post, .{ .name = "cabi_post_" ++ hook.exportName() });
            } else {
                @export(&serve, .{ .name = hook.exportName() });
            }
        }

        fn serve(data: [*]const u8, size: usize) callconv(.c) void {
            call(data[0..size]);
            memory.reset();
        }

        var returned: raw.Result = undefined;

        fn serveFallible(data: [*]const u8, size: usize) callconv(.c) *const raw.Result {
            const result = call(data[0..size]);
            const message = if (result == .failed) result.failed else "";
            returned = .{
                .is_error = @intFromBool(result == .failed),
                .pointer = raw.start(message),
                .size = message.len,
            };
            return &returned;
        }

        /// The result may point into the hook's memory, so that is kept until the host has read it.
        fn post(_: *const raw.Result) callconv(.c) void {
            memory.reset();
        }

        fn call(bytes: []const u8) if (hook.fallible) Result else void {
            const method = @field(Observer, hook.method);
            const without_context = if (hook.Payload == null) 1 else 2;
            const wants_context = @typeInfo(@TypeOf(method)).@"fn".param_types.len > without_context;
            var frame: events.Frame(wants_context, hook.Payload orelse struct {}) = undefined;
            if (!frame.decode(bytes) or (frame.ctx == null and !hook.early)) {
                // A fault between host and guest, so it is loud.
                @panic(comptime hook.name() ++ ": the event is not what the contract says");
            }
            capabilities.delivery.current_source = frame.src;
            const context = if (!wants_context)
                .{}
            else if (hook.early)
                .{if (frame.ctx) |*context| context else null}
            else
                .{&frame.ctx.?};
            const payload = if (hook.Payload == null) .{} else .{&frame.event};
            return @call(.auto, method, .{Instance(Observer).get()} ++ context ++ payload);
        }
    };
}
