//! flap-detector: reports peers that disconnect n times within a window, over WebSocket and WebRTC alike.
//! See ../README.md for its configuration and its report.

const std = @import("std");
const wasmhost = @import("wasmhost");

const ActrId = wasmhost.ActrId;
const Context = wasmhost.Context;
const PeerEvent = wasmhost.PeerEvent;
const Timestamp = wasmhost.Timestamp;

pub const panic = wasmhost.panic;

comptime {
    wasmhost.exportObserver(FlapDetector);
}

const ns_per_s = std.time.ns_per_s;

/// Links that are watched at once. Beyond it the one that was quiet for longest is forgotten, so that a
/// node that makes up peers costs no memory, only memories.
const most_links = 64;

/// The most disconnects that can be asked for; each link remembers the times of as many.
const most_disconnects = 16;

/// A node, by its serial number, which is unique in its realm.
const Node = struct {
    realm_id: u32,
    serial_number: u64,

    fn of(id: *const ActrId) Node {
        return .{ .realm_id = id.realm.realm_id, .serial_number = id.serial_number };
    }
};

const Transport = enum { websocket, webrtc };

const Disconnect = struct {
    at: Timestamp,
    transport: Transport,
};

/// What is remembered of the connections between two nodes.
const Link = struct {
    node: Node,
    peer: Node,
    /// Oldest first; all within one window of the newest.
    disconnects: [most_disconnects]Disconnect,
    count: usize,

    fn joins(self: *const Link, node: Node, peer: Node) bool {
        return std.meta.eql(self.node, node) and std.meta.eql(self.peer, peer);
    }

    fn newest(self: *const Link) Timestamp {
        return if (self.count > 0) self.disconnects[self.count - 1].at else 0;
    }

    fn recent(self: *const Link) []const Disconnect {
        return self.disconnects[0..self.count];
    }

    /// Add a disconnect and forget those that are a window older. Events of different sources can come
    /// a little out of order: one that is older than the newest counts as if it had come with it.
    fn add(self: *Link, disconnect: Disconnect, window: u64) void {
        const at = @max(disconnect.at, self.newest());
        var kept: usize = 0;
        for (self.recent()) |earlier| {
            if (at - earlier.at > window) continue;
            self.disconnects[kept] = earlier;
            kept += 1;
        }
        self.disconnects[kept] = .{ .at = at, .transport = disconnect.transport };
        self.count = kept + 1;
    }

    fn countOf(self: *const Link, transport: Transport) u64 {
        var count: u64 = 0;
        for (self.recent()) |disconnect| count += @intFromBool(disconnect.transport == transport);
        return count;
    }
};

const FlapDetector = struct {
    /// How many disconnects make a flap.
    disconnects: usize = 0,
    /// Within how many nanoseconds.
    window: u64 = 0,
    links: [most_links]Link = undefined,
    known: usize = 0,

    pub fn init(self: *FlapDetector) void {
        self.disconnects = wasmhost.config.getInt(usize, "disconnects", 3);
        if (self.disconnects < 2 or self.disconnects > most_disconnects) {
            @panic("config disconnects: a number from 2 to 16 is wanted");
        }
        const seconds = wasmhost.config.getInt(u32, "window-s", 60);
        self.window = @as(u64, seconds) * ns_per_s;
    }

    pub fn onWebsocketDisconnected(self: *FlapDetector, ctx: *const Context, event: *const PeerEvent) void {
        self.disconnected(ctx, event, .websocket);
    }

    pub fn onWebrtcDisconnected(self: *FlapDetector, ctx: *const Context, event: *const PeerEvent) void {
        self.disconnected(ctx, event, .webrtc);
    }

    fn disconnected(
        self: *FlapDetector,
        ctx: *const Context,
        event: *const PeerEvent,
        transport: Transport,
    ) void {
        // A connection that recovers may yet come back; if it does not, the next event says so.
        if (event.status == .recovering) return;
        const link = self.find(.of(&ctx.self_id), .of(&event.peer));
        link.add(.{ .at = wasmhost.delivery.now(), .transport = transport }, self.window);
        wasmhost.metrics.counterAdd("disconnects", 1);
        wasmhost.metrics.gaugeSet("links", @floatFromInt(self.known));
        if (link.count < self.disconnects) return;
        self.report(&ctx.self_id, &event.peer, link);
        // The next report needs as many disconnects again: a peer that flaps for hours is not a flood.
        link.count = 0;
    }

    fn find(self: *FlapDetector, node: Node, peer: Node) *Link {
        for (self.links[0..self.known]) |*link| {
            if (link.joins(node, peer)) return link;
        }
        const link = self.vacancy();
        link.* = .{ .node = node, .peer = peer, .disconnects = undefined, .count = 0 };
        return link;
    }

    fn vacancy(self: *FlapDetector) *Link {
        if (self.known < most_links) {
            self.known += 1;
            return &self.links[self.known - 1];
        }
        var quietest = &self.links[0];
        for (self.links[1..]) |*link| {
            if (link.newest() < quietest.newest()) quietest = link;
        }
        return quietest;
    }

    fn report(self: *FlapDetector, node: *const ActrId, peer: *const ActrId, link: *const Link) void {
        var body = wasmhost.report.body();
        body.map(6);
        body.text("node");
        writeNode(&body, node);
        body.text("peer");
        writeNode(&body, peer);
        body.text("webrtc");
        body.uint(link.countOf(.webrtc));
        body.text("span-ms");
        body.uint((link.newest() - link.disconnects[0].at) / std.time.ns_per_ms);
        body.text("window-s");
        body.uint(self.window / ns_per_s);
        body.text("websocket");
        body.uint(link.countOf(.websocket));
        wasmhost.report.send("flapping-peer", body);
    }
};

fn writeNode(body: *wasmhost.cbor.Writer, id: *const ActrId) void {
    body.map(3);
    body.text("name");
    body.text(id.type.name);
    body.text("realm");
    body.uint(id.realm.realm_id);
    body.text("serial-number");
    body.uint(id.serial_number);
}
