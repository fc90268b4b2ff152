//! The raw ABI: wit/capabilities.wit as the canonical ABI lowers it to core Wasm. Strings and lists are a
//! pointer and a size; a result that does not fit a core value is written to a return area.

/// `option<string>` and `option<list<u8>>`, as an import leaves them in a return area.
pub const Option = extern struct {
    is_some: u8 = 0,
    pointer: [*]const u8 = undefined,
    size: usize = 0,

    /// The list the option holds.
    pub fn slice(self: Option) ?[]const u8 {
        return if (self.is_some != 0) self.pointer[0..self.size] else null;
    }
};

/// `result<_, string>`, as a lifecycle hook returns it.
pub const Result = extern struct {
    is_error: u8,
    pointer: [*]const u8,
    size: usize,
};

pub const log = struct {
    pub extern "wasmhost:observer/log@0.1.0" fn write(level: u32, message: [*]const u8, size: usize) void;
};

pub const panic = struct {
    pub extern "wasmhost:observer/panic@0.1.0" fn report(message: [*]const u8, size: usize) void;
};

pub const delivery = struct {
    pub extern "wasmhost:observer/delivery@0.1.0" fn now() u64;
    pub extern "wasmhost:observer/delivery@0.1.0" fn sequence() u64;
    pub extern "wasmhost:observer/delivery@0.1.0" fn lost() u64;
    pub extern "wasmhost:observer/delivery@0.1.0" fn random() u64;
};

pub const config = struct {
    pub extern "wasmhost:observer/config@0.1.0" fn get(key: [*]const u8, size: usize, value: *Option) void;
};

pub const state = struct {
    pub extern "wasmhost:observer/state@0.1.0" fn load(blob: *Option) void;
    pub extern "wasmhost:observer/state@0.1.0" fn save(blob: [*]const u8, size: usize) void;
};

pub const metrics = struct {
    pub extern "wasmhost:observer/metrics@0.1.0" fn @"counter-add"(
        name: [*]const u8,
        size: usize,
        by: u64,
    ) void;
    pub extern "wasmhost:observer/metrics@0.1.0" fn @"gauge-set"(
        name: [*]const u8,
        size: usize,
        value: f64,
    ) void;
};

pub const report = struct {
    pub extern "wasmhost:observer/report@0.1.0" fn send(
        topic: [*]const u8,
        topic_size: usize,
        body: [*]const u8,
        body_size: usize,
    ) void;
};

/// Where bytes begin, as the host wants it: in bounds also where there are none. Zig's allocators give an
/// empty slice an address at the very end of the address space.
pub fn start(bytes: []const u8) [*]const u8 {
    return if (bytes.len == 0) "" else bytes.ptr;
}
