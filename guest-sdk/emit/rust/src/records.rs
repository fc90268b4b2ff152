//! What a node tells: the records of `wit/types.wit`, field for field.
//!
//! They borrow their texts. An event is encoded before `emit` returns, so nothing has to be cloned to say it.
//! All times are Unix time in nanoseconds; [`nanos`] makes them of a [`SystemTime`].

use std::time::{SystemTime, UNIX_EPOCH};

/// What kind of actor a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActrType<'a> {
    /// Who made it.
    pub manufacturer: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its version, as the maker writes it.
    pub version: &'a str,
}

/// A node's full identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActrId<'a> {
    /// The number of the administrative domain it belongs to.
    pub realm: u32,
    /// Unique in its realm.
    pub serial_number: u64,
    /// What it runs.
    pub kind: ActrType<'a>,
}

/// Who observed an event, on whose behalf, serving which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    /// The node itself.
    pub self_id: ActrId<'a>,
    /// On whose behalf it acts, if on anybody's.
    pub caller_id: Option<ActrId<'a>>,
    /// The request it serves; empty where there is none.
    pub request_id: &'a str,
}

/// The state of a connection to a peer, as the node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerStatus {
    /// Nothing goes on.
    Idle,
    /// It is being made.
    Connecting,
    /// It stands.
    Connected,
    /// It was lost, and is being made again.
    Recovering,
}

/// Where in the node an error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCategory {
    /// The code of a handler panicked.
    HandlerPanic,
    /// A handler returned an error.
    HandlerError,
    /// Registration, signaling or its credential.
    SignalingFailure,
    /// A connection to a peer.
    TransportFailure,
    /// A data stream ended with its connection, and nobody knows what arrived.
    DataStreamDeliveryUncertain,
}

/// An error as the node's own code words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorSource<'a> {
    /// A short word such as "unavailable" or "internal".
    pub kind: &'a str,
    /// What happened.
    pub message: &'a str,
}

/// The data stream an uncertain delivery was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo<'a> {
    /// Which stream.
    pub stream_id: &'a str,
    /// Which session of it.
    pub session_id: u64,
    /// Why it ended.
    pub reason: &'a str,
}

/// What the hooks of WebSocket and WebRTC are handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerEvent<'a> {
    /// The other end.
    pub peer: ActrId<'a>,
    /// Whether the connection goes through a relay; known for `on_webrtc_connected` only.
    pub relayed: Option<bool>,
    /// Where the node says; of WebRTC only.
    pub status: Option<PeerStatus>,
}

impl<'a> PeerEvent<'a> {
    /// An event that says nothing but which peer it is about.
    pub fn of(peer: ActrId<'a>) -> Self {
        Self {
            peer,
            relayed: None,
            status: None,
        }
    }
}

/// What `on_error` is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorEvent<'a> {
    /// What went wrong.
    pub source: ErrorSource<'a>,
    /// Where.
    pub category: ErrorCategory,
    /// During what.
    pub context: &'a str,
    /// When, in nanoseconds of Unix time.
    pub at: u64,
    /// The stream, where it is about one.
    pub stream: Option<StreamInfo<'a>>,
}

/// What happens in a node: one variant for each of the sixteen hooks, with what the hook is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEvent<'a> {
    /// The node has started, and takes no requests yet.
    Start,
    /// It is registered, and takes requests.
    Ready,
    /// It was told to stop.
    Stop,
    /// An error was caught in it.
    Error(ErrorEvent<'a>),
    /// It dials its signaling server.
    SignalingConnecting {
        /// For which time, from 1, where it says.
        attempt: Option<u32>,
    },
    /// The signaling connection stands.
    SignalingConnected,
    /// The signaling connection is lost.
    SignalingDisconnected,
    /// A WebSocket connection is being made.
    WebSocketConnecting(PeerEvent<'a>),
    /// A WebSocket connection stands.
    WebSocketConnected(PeerEvent<'a>),
    /// A WebSocket connection is gone.
    WebSocketDisconnected(PeerEvent<'a>),
    /// A WebRTC connection is being made.
    WebRtcConnecting(PeerEvent<'a>),
    /// A WebRTC connection stands.
    WebRtcConnected(PeerEvent<'a>),
    /// A WebRTC connection is gone or, with status `Recovering`, being made again.
    WebRtcDisconnected(PeerEvent<'a>),
    /// The node has a new credential.
    CredentialRenewed {
        /// Until when it is good, in nanoseconds of Unix time.
        new_expiry: u64,
    },
    /// The node's credential ends soon.
    CredentialExpiring {
        /// When, in nanoseconds of Unix time.
        new_expiry: u64,
    },
    /// Too many messages wait in the node's mailbox.
    MailboxBackpressure {
        /// How many.
        queue_len: u64,
        /// From how many on it is pressure.
        threshold: u64,
    },
}

/// Unix time in nanoseconds; 0 before 1970.
pub fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}
