//! The module by `zig build` alone. `wasmhost build` compiles the same, and adds the manifest.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.resolveTargetQuery(.{
        .cpu_arch = .wasm32,
        .os_tag = .freestanding,
        .cpu_model = .{ .explicit = &std.Target.wasm.cpu.generic },
        .cpu_features_add = std.Target.wasm.featureSet(&.{.bulk_memory}),
    });
    const sdk = b.createModule(.{ .root_source_file = b.path("sdk/src/wasmhost.zig") });
    const observer = b.addExecutable(.{
        .name = "{{name}}",
        .root_module = b.createModule(.{
            .root_source_file = b.path("{{snake}}.zig"),
            .target = target,
            .optimize = .ReleaseSmall,
            .strip = false, // backtraces need the names of functions
            .imports = &.{.{ .name = "wasmhost", .module = sdk }},
        }),
    });
    observer.entry = .disabled;
    observer.rdynamic = true;
    observer.stack_size = 16384;
    b.installArtifact(observer);
}
