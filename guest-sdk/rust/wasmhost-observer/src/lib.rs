//! Write an observer of a node's events in Rust, to run under wasmhost.
//!
//! ```
//! use wasmhost_observer::{Context, Observer, PeerEvent, log, observer};
//!
//! struct Greeter;
//!
//! #[observer]
//! impl Observer for Greeter {
//!     fn new() -> Self {
//!         Greeter
//!     }
//!
//!     fn on_webrtc_connected(&mut self, _: &Context, event: &PeerEvent) {
//!         log::write(log::Level::Info, event.peer().actr_type().name());
//!     }
//! }
//! ```
//!
//! Build it as a `cdylib` for `wasm32-unknown-unknown`. Only the hooks that the `impl` has are exported.
//!
//! Three layers, each on top of the one before: the raw ABI (`raw`), owned memory (`memory`), typed values
//! ([`Context`], the events, and the capabilities).

mod capabilities;
mod cbor;
mod events;
#[doc(hidden)]
pub mod glue;
mod memory;
mod observer;
mod raw;

pub use capabilities::{config, delivery, log, metrics, report, state};
pub use cbor::Writer;
pub use events::{
    ActrId, ActrType, BackpressureEvent, Context, CredentialEvent, ErrorCategory, ErrorEvent,
    ErrorSource, PeerEvent, PeerStatus, Realm, SignalingEvent, StreamInfo,
};
pub use observer::Observer;

/// Makes a module of an `impl Observer for …`: every hook that the `impl` has is exported, and no other. A
/// module has one observer.
pub use wasmhost_observer_macros::observer;
