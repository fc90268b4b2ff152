//! wasmhost observer SDK for Zig.
//!
//! ```zig
//! const wasmhost = @import("wasmhost");
//! pub const panic = wasmhost.panic;
//!
//! const Greeter = struct {
//!     pub fn onWebrtcConnected(_: *Greeter, event: *const wasmhost.PeerEvent) void {
//!         wasmhost.log.write(.info, event.peer.type.name);
//!     }
//! };
//!
//! comptime {
//!     wasmhost.exportObserver(Greeter);
//! }
//! ```
//!
//! Only the hooks an observer has methods for are exported. Memory from `allocator`, strings, and the event
//! itself last until the hook returns; what is to outlive it goes into the observer's own fields, copied.

const capabilities = @import("capabilities.zig");
const events = @import("events.zig");
const hooks = @import("hooks.zig");

pub const exportObserver = hooks.exportObserver;
pub const Result = hooks.Result;

pub const panic = @import("panic.zig");
pub const allocator = @import("memory.zig").allocator;
pub const cbor = @import("cbor.zig");

pub const log = capabilities.log;
pub const delivery = capabilities.delivery;
pub const config = capabilities.config;
pub const state = capabilities.state;
pub const metrics = capabilities.metrics;
pub const report = capabilities.report;

pub const Timestamp = events.Timestamp;
pub const Realm = events.Realm;
pub const ActrType = events.ActrType;
pub const ActrId = events.ActrId;
pub const Context = events.Context;
pub const PeerStatus = events.PeerStatus;
pub const ErrorCategory = events.ErrorCategory;
pub const SignalingEvent = events.SignalingEvent;
pub const PeerEvent = events.PeerEvent;
pub const ErrorSource = events.ErrorSource;
pub const StreamInfo = events.StreamInfo;
pub const ErrorEvent = events.ErrorEvent;
pub const CredentialEvent = events.CredentialEvent;
pub const BackpressureEvent = events.BackpressureEvent;
