//! {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay.

const std = @import("std");
const wasmhost = @import("wasmhost");

pub const panic = wasmhost.panic;

comptime {
    wasmhost.exportObserver({{camel}});
}

const {{camel}} = struct {
    pub fn onWebrtcConnected(_: *{{camel}}, event: *const wasmhost.PeerEvent) void {
        const parts = [_][]const u8{ "connected to ", event.peer.type.name };
        const line = std.mem.concat(wasmhost.allocator, u8, &parts) catch @panic("out of memory");
        wasmhost.log.write(.info, line);

        // A node need not say whether a connection is relayed.
        const relayed = event.relayed orelse false;
        if (relayed) wasmhost.metrics.counterAdd("relayed", 1);
        report(&event.peer, relayed);
    }
};

fn report(peer: *const wasmhost.ActrId, relayed: bool) void {
    var body = wasmhost.report.body();
    body.map(2);
    body.text("peer");
    body.uint(peer.serial_number);
    body.text("relayed");
    body.boolean(relayed);
    wasmhost.report.send("connected", body);
}
