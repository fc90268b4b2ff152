//! Owned memory: an arena that lasts one hook.
//!
//! The host asks for room (`cabi_realloc`) to put the event and the answers of imports into; an observer
//! takes what it needs through `allocator`. When the hook is over all of it is free again, so an observer
//! that runs for a year is as big as its biggest delivery.

const std = @import("std");

const page_size = std.wasm.page_size;

/// The linker's: the first byte behind the stack and all static storage.
extern var __heap_base: u8;

/// Memory that lasts until the hook returns. Freeing it early is allowed and does nothing, but for the
/// block taken last.
pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &vtable };

const vtable: std.mem.Allocator.VTable = .{
    .alloc = alloc,
    .resize = resize,
    .remap = remap,
    .free = free,
};

/// The arena is one region: first what the module's initial memory leaves over, later, where that is too
/// small, pages grown for it. Addresses are kept as 64 bits, so that sums of two sizes chosen by the other
/// side can't wrap.
const Region = struct {
    start: u64 = 0,
    next: u64 = 0,
    end: u64 = 0,
};

var region: Region = .{};

/// Everything taken is free again.
pub fn reset() void {
    region.next = region.start;
}

fn memoryEnd() u64 {
    return @as(u64, @wasmMemorySize(0)) * page_size;
}

fn open() void {
    region.start = @intFromPtr(&__heap_base);
    region.next = region.start;
    region.end = memoryEnd();
}

/// Grow by at least `missing` bytes. Where another allocator has grown memory meanwhile, the new pages do
/// not follow ours; then the region moves there, with all the room it had and more, and what it leaves
/// behind can't add up to more than what it has now.
fn grow(missing: u64) bool {
    const behind = memoryEnd();
    const contiguous = behind == region.end;
    const held = region.end - region.start;
    const wanted = if (contiguous) missing else missing + 2 * held;
    const pages = (wanted + page_size - 1) / page_size;
    if (behind + pages * page_size > std.math.maxInt(u32)) return false;
    if (@wasmMemoryGrow(0, @intCast(pages)) < 0) return false;
    if (!contiguous) {
        region.start = behind;
        region.next = behind;
    }
    region.end = behind + pages * page_size;
    return true;
}

fn take(size: usize, alignment: std.mem.Alignment) ?[*]u8 {
    if (region.end == 0) open();
    if (aligned(region.next, alignment) + size > region.end and
        !grow(@as(u64, size) + alignment.toByteUnits())) return null;
    const block = aligned(region.next, alignment);
    region.next = block + size;
    return @ptrFromInt(@as(usize, @intCast(block)));
}

fn aligned(address: u64, alignment: std.mem.Alignment) u64 {
    const mask: u64 = alignment.toByteUnits() - 1;
    return (address + mask) & ~mask;
}

fn isLast(block: []const u8) bool {
    return @intFromPtr(block.ptr) + @as(u64, block.len) == region.next;
}

fn alloc(_: *anyopaque, size: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    return take(size, alignment);
}

fn resize(_: *anyopaque, block: []u8, _: std.mem.Alignment, size: usize, _: usize) bool {
    const end = @intFromPtr(block.ptr) + @as(u64, size);
    if (!isLast(block) or end > region.end) return size <= block.len;
    region.next = end;
    return true;
}

fn remap(context: *anyopaque, block: []u8, alignment: std.mem.Alignment, size: usize, caller: usize) ?[*]u8 {
    return if (resize(context, block, alignment, size, caller)) block.ptr else null;
}

fn free(_: *anyopaque, block: []u8, _: std.mem.Alignment, _: usize) void {
    if (isLast(block)) region.next = @intFromPtr(block.ptr);
}

/// The canonical ABI's allocator: what the host calls to hand us a list or a string. It may call no
/// import, so where memory is at its limit it traps without words.
fn cabiRealloc(old: ?[*]u8, old_size: usize, alignment: usize, size: usize) callconv(.c) ?[*]u8 {
    const log2: std.mem.Alignment = .fromByteUnits(alignment);
    if (old) |pointer| {
        if (resize(undefined, pointer[0..old_size], log2, size, 0)) return pointer;
    }
    const block = take(size, log2) orelse @trap();
    if (old) |pointer| {
        const kept = @min(old_size, size);
        @memcpy(block[0..kept], pointer[0..kept]);
    }
    return block;
}

/// Export what the canonical ABI asks of a module with lists to receive.
pub fn exportRealloc() void {
    @export(&cabiRealloc, .{ .name = "cabi_realloc" });
}
