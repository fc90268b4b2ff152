//! Tell wasmhost what happens in a node, without ever waiting for it.
//!
//! ```no_run
//! use wasmhost_emit::{ActrId, ActrType, Context, Emitter, HookEvent, PeerEvent};
//!
//! # async fn node() -> Result<(), wasmhost_emit::BadTarget> {
//! let emitter = Emitter::to("unix:/run/wasmhost.sock".parse()?).start();
//!
//! let kind = ActrType { manufacturer: "acme", name: "echo", version: "1.0.0" };
//! let me = ActrId { realm: 7, serial_number: 1, kind };
//! let peer = ActrId { serial_number: 2, ..me };
//! let ctx = Context { self_id: me, caller_id: None, request_id: "r-1" };
//! let connected = PeerEvent { relayed: Some(false), ..PeerEvent::of(peer) };
//! emitter.emit(&HookEvent::WebRtcConnected(connected), Some(&ctx)); // never waits, cannot fail
//!
//! let stats = emitter.close(std::time::Duration::from_secs(5)).await;
//! assert_eq!(stats.emitted, stats.delivered + stats.dropped);
//! # Ok(())
//! # }
//! ```
//!
//! [`Emitter::emit`] encodes the event and puts it into a bounded buffer; a task of its own connects to the host,
//! again and again where it has to, sends in order, and keeps what it sent until the host says that it was taken.
//! While one host lives every event is taken once or counted as dropped, and the numbers add up exactly
//! ([`Stats`]). The wire is stated in `docs/wire.md` of wasmhost, the events in `wit/events.cddl`.

mod answer;
mod backoff;
mod cbor;
mod emitter;
mod encode;
mod queue;
mod records;
mod sender;
mod shared;
mod target;
#[cfg(feature = "tls")]
mod tls;

pub use emitter::{Builder, Emitter};
pub use encode::{MAX_EVENT_BYTES, encode_event, hook};
pub use records::{
    ActrId, ActrType, Context, ErrorCategory, ErrorEvent, ErrorSource, HookEvent, PeerEvent,
    PeerStatus, StreamInfo, nanos,
};
pub use shared::{Link, Overflow, Stats};
pub use target::{BadTarget, Target};
#[cfg(feature = "tls")]
pub use tls::Tls;
