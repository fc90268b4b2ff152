//! Gives the host nothing, in as many ways as there are: text, a blob and an error of no bytes.

const wasmhost = @import("wasmhost");

pub const panic = wasmhost.panic;

const Empty = struct {
    pub fn onReady(_: *Empty) wasmhost.Result {
        const nothing = wasmhost.allocator.alloc(u8, 0) catch @panic("out of memory");
        wasmhost.log.write(.info, nothing);
        _ = wasmhost.config.get(nothing);
        wasmhost.state.save(nothing);
        wasmhost.metrics.counterAdd(nothing, 1);
        return .{ .failed = nothing };
    }
};

comptime {
    wasmhost.exportObserver(Empty);
}
