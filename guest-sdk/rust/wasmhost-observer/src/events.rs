//! The records of `wit/types.wit` as views into an event: each field is read when it is asked for.
//!
//! The host has checked every event before a guest sees it. Where one is nevertheless not what the contract
//! says, the getters panic, and the operator reads in which hook, and which field of which record it was.

use crate::cbor::{Malformed, Map, Read, each_entry};
use crate::glue::current_hook;

/// Declares a record: its getters, and that it can be a field of another.
macro_rules! record {
    (
        $(#[$about:meta])*
        $record:ident {
            $($(#[$field_about:meta])* $need:ident $field:ident: $type:ty = $key:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $record<'e>(Map<'e>);

        impl<'e> $record<'e> {
            $(record! { @getter $record $(#[$field_about])* $need $field: $type = $key })+
        }

        impl<'e> Read<'e> for $record<'e> {
            fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
                Map::read(bytes).map(Self)
            }
        }
    };
    (@getter $record:ident $(#[$about:meta])* required $field:ident: $type:ty = $key:literal) => {
        $(#[$about])*
        pub fn $field(&self) -> $type {
            match self.0.get($key) {
                Ok(Some(value)) => value,
                _ => broken(concat!(stringify!($record), ".", $key)),
            }
        }
    };
    (@getter $record:ident $(#[$about:meta])* optional $field:ident: $type:ty = $key:literal) => {
        $(#[$about])*
        pub fn $field(&self) -> Option<$type> {
            match self.0.get($key) {
                Ok(value) => value,
                Err(_) => broken(concat!(stringify!($record), ".", $key)),
            }
        }
    };
}

/// Declares an enum whose cases travel as text.
macro_rules! text_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$case_about:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$case_about])* $case,)+
        }

        impl<'e> Read<'e> for $name {
            fn read(bytes: &'e [u8]) -> Result<Self, Malformed> {
                match <&str>::read(bytes)? {
                    $($text => Ok(Self::$case),)+
                    _ => Err(Malformed),
                }
            }
        }
    };
}

#[cold]
pub(crate) fn broken(part: &str) -> ! {
    let hook = current_hook();
    panic!("{hook}: the event is not what the contract says: {part}")
}

record! {
    /// A realm: the administrative domain a node belongs to.
    Realm {
        /// The realm's number.
        required realm_id: u32 = "realm-id",
    }
}

record! {
    /// What kind of actor a node runs.
    ActrType {
        /// Who made it.
        required manufacturer: &'e str = "manufacturer",
        /// What it is called.
        required name: &'e str = "name",
        /// Its version, as its maker writes it.
        required version: &'e str = "version",
    }
}

record! {
    /// A node's full identity.
    ActrId {
        /// Where it lives.
        required realm: Realm<'e> = "realm",
        /// Its number in that realm.
        required serial_number: u64 = "serial-number",
        /// What it runs; `type` in the contract.
        required actr_type: ActrType<'e> = "type",
    }
}

record! {
    /// Who observed the event.
    Context {
        /// The observing node.
        required self_id: ActrId<'e> = "self-id",
        /// On whose behalf it acted, where there is a caller.
        optional caller_id: ActrId<'e> = "caller-id",
        /// The request it was serving; may be empty.
        required request_id: &'e str = "request-id",
    }
}

text_enum! {
    /// The state of a connection to a peer, as the node sees it.
    PeerStatus {
        /// No connection, and none wanted.
        Idle = "idle",
        /// A first connection is being made.
        Connecting = "connecting",
        /// The connection stands.
        Connected = "connected",
        /// The connection broke and is being rebuilt: not yet a disconnect for good.
        Recovering = "recovering",
    }
}

text_enum! {
    /// Where in the node an error arose.
    ErrorCategory {
        /// A message handler panicked.
        HandlerPanic = "handler-panic",
        /// A message handler returned an error.
        HandlerError = "handler-error",
        /// The signaling connection failed.
        SignalingFailure = "signaling-failure",
        /// A transport failed.
        TransportFailure = "transport-failure",
        /// A data stream ended and nobody knows what arrived.
        DataStreamDeliveryUncertain = "data-stream-delivery-uncertain",
    }
}

record! {
    /// An error as the node's own code words it.
    ErrorSource {
        /// Its kind: "unavailable", "internal", and so on.
        required kind: &'e str = "kind",
        /// What it says.
        required message: &'e str = "message",
    }
}

record! {
    /// The data stream an uncertain delivery was about.
    StreamInfo {
        /// The stream's name.
        required stream_id: &'e str = "stream-id",
        /// The session it ran in.
        required session_id: u64 = "session-id",
        /// Why the delivery is uncertain.
        required reason: &'e str = "reason",
    }
}

record! {
    /// The payload of `on_signaling_connecting`.
    SignalingEvent {
        /// Which attempt this is, counted from 1, where the node says.
        optional attempt: u32 = "attempt",
    }
}

record! {
    /// The payload of all websocket and webrtc hooks.
    PeerEvent {
        /// The other side.
        required peer: ActrId<'e> = "peer",
        /// Whether the connection goes through a relay; known for `on_webrtc_connected` only.
        optional relayed: bool = "relayed",
        /// The connection's state, where the node says.
        optional status: PeerStatus = "status",
    }
}

record! {
    /// The payload of `on_error`.
    ErrorEvent {
        /// The error itself.
        required source: ErrorSource<'e> = "source",
        /// Where it arose.
        required category: ErrorCategory = "category",
        /// What the node was doing, in words.
        required context: &'e str = "context",
        /// When it arose, in Unix nanoseconds.
        required at: u64 = "at",
        /// The stream, for [`ErrorCategory::DataStreamDeliveryUncertain`].
        optional stream: StreamInfo<'e> = "stream",
    }
}

record! {
    /// The payload of both credential hooks.
    CredentialEvent {
        /// When the credential (the new one, or the one that is expiring) ends, in Unix nanoseconds.
        required new_expiry: u64 = "new-expiry",
    }
}

record! {
    /// The payload of `on_mailbox_backpressure`.
    BackpressureEvent {
        /// How many messages wait.
        required queue_len: u64 = "queue-len",
        /// At how many the node calls it pressure.
        required threshold: u64 = "threshold",
    }
}

/// A hook-event as it travels, its parts still encoded.
pub struct Frame<'e> {
    context: Option<Context<'e>>,
    payload: Map<'e>,
    pub(crate) source: Option<&'e str>,
}

impl<'e> Frame<'e> {
    /// Find the parts of an event.
    pub fn open(bytes: &'e [u8]) -> Result<Self, Malformed> {
        let (mut context, mut payload, mut source) = (None, None, None);
        each_entry(bytes, |key, value| {
            match key {
                b"ctx" => context = Some(Context::read(value)?),
                b"event" => payload = Some(Map::read(value)?),
                b"src" => source = Some(<&str>::read(value)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            context,
            payload: payload.ok_or(Malformed)?,
            source,
        })
    }

    /// Who observed the event: there for all hooks but the two early signaling ones.
    pub fn context(&self) -> Context<'e> {
        self.context.unwrap_or_else(|| broken("ctx"))
    }

    /// Who observed the event, for the two hooks that can come before the node has an identity.
    pub fn early_context(&self) -> Option<&Context<'e>> {
        self.context.as_ref()
    }

    /// The payload, as the record that belongs to the hook.
    pub fn payload<T: From<Map<'e>>>(&self) -> T {
        T::from(self.payload)
    }
}

macro_rules! payloads {
    ($($record:ident)+) => {
        $(impl<'e> From<Map<'e>> for $record<'e> {
            fn from(map: Map<'e>) -> Self {
                Self(map)
            }
        })+
    };
}

payloads! { SignalingEvent PeerEvent ErrorEvent CredentialEvent BackpressureEvent }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Writer;

    fn write_id(writer: &mut Writer, serial_number: u64, name: &str) {
        writer.map(3);
        writer.text("type").map(3);
        writer.text("name").text(name).text("version").text("1.0.0");
        writer.text("manufacturer").text("lab");
        writer
            .text("realm")
            .map(1)
            .text("realm-id")
            .uint(u32::MAX.into());
        writer.text("serial-number").uint(serial_number);
    }

    fn peer_event(write_rest: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(6).text("at").uint(u64::MAX);
        writer.text("ctx").map(2).text("self-id");
        write_id(&mut writer, u64::MAX, "Échø 中继 🛰");
        writer.text("request-id").text("");
        writer
            .text("seq")
            .uint(0)
            .text("src")
            .text("node-a")
            .text("hook")
            .text("on_webrtc_connected");
        writer.text("event");
        write_rest(&mut writer);
        writer.as_bytes().to_vec()
    }

    #[test]
    fn a_peer_event_is_read_field_by_field() {
        let bytes = peer_event(|writer| {
            writer.map(4).text("peer");
            write_id(writer, 7, "Peer");
            writer.text("later").array(1).uint(1);
            writer
                .text("status")
                .text("recovering")
                .text("relayed")
                .bool(true);
        });
        let frame = Frame::open(&bytes).unwrap();
        let context = frame.context();
        assert_eq!(frame.source, Some("node-a"));
        assert_eq!(context.self_id().serial_number(), u64::MAX);
        assert_eq!(context.self_id().realm().realm_id(), u32::MAX);
        assert_eq!(context.self_id().actr_type().name(), "Échø 中继 🛰");
        assert!(context.caller_id().is_none());
        assert_eq!(context.request_id(), "");
        let event: PeerEvent = frame.payload();
        assert_eq!(event.peer().serial_number(), 7);
        assert_eq!(event.relayed(), Some(true));
        assert_eq!(event.status(), Some(PeerStatus::Recovering));
    }

    #[test]
    fn absent_optionals_are_none() {
        let bytes = peer_event(|writer| {
            writer.map(1).text("peer");
            write_id(writer, 7, "Peer");
        });
        let event: PeerEvent = Frame::open(&bytes).unwrap().payload();
        assert_eq!((event.relayed(), event.status()), (None, None));
    }

    #[test]
    #[should_panic(expected = "the event is not what the contract says: PeerEvent.peer")]
    fn a_required_field_that_is_absent_is_named() {
        let bytes = peer_event(|writer| _ = writer.map(0));
        let event: PeerEvent = Frame::open(&bytes).unwrap().payload();
        event.peer();
    }

    #[test]
    #[should_panic(expected = "the event is not what the contract says: PeerEvent.status")]
    fn an_unknown_case_is_named() {
        let bytes = peer_event(|writer| _ = writer.map(1).text("status").text("asleep"));
        let event: PeerEvent = Frame::open(&bytes).unwrap().payload();
        event.status();
    }

    #[test]
    fn a_frame_without_payload_is_an_error() {
        let mut writer = Writer::new();
        writer.map(1).text("seq").uint(1);
        assert!(Frame::open(writer.as_bytes()).is_err());
    }
}
