package observer

import "wasmhost/observer/internal/event"

// The records of wit/types.wit. Each is a place in the event being delivered.
type (
	// Realm is the administrative domain a node belongs to.
	Realm event.Record
	// ActrType is what kind of actor a node runs.
	ActrType event.Record
	// ActrID is a node's full identity.
	ActrID event.Record
	// Context is who observed the event.
	Context event.Record
	// ErrorSource is an error as the node's own code words it.
	ErrorSource event.Record
	// SignalingEvent is the payload of on-signaling-connecting.
	SignalingEvent event.Record
	// PeerEvent is the payload of all websocket and webrtc hooks.
	PeerEvent event.Record
	// StreamInfo is the data stream an uncertain delivery was about.
	StreamInfo event.Record
	// ErrorEvent is the payload of on-error.
	ErrorEvent event.Record
	// CredentialEvent is the payload of both credential hooks.
	CredentialEvent event.Record
	// BackpressureEvent is the payload of on-mailbox-backpressure.
	BackpressureEvent event.Record
)

// RealmID is the realm's number.
func (r Realm) RealmID() uint32 { return event.Record(r).Uint32("realm-id") }

// Manufacturer is who made it.
func (t ActrType) Manufacturer() string { return event.Record(t).Text("manufacturer") }

// Name is what it is called.
func (t ActrType) Name() string { return event.Record(t).Text("name") }

// Version is its version, as its maker writes it.
func (t ActrType) Version() string { return event.Record(t).Text("version") }

// Realm is where it lives.
func (i ActrID) Realm() Realm { return Realm(event.Record(i).Record("realm")) }

// SerialNumber is its number in that realm.
func (i ActrID) SerialNumber() uint64 { return event.Record(i).Uint("serial-number") }

// Type is what it runs.
func (i ActrID) Type() ActrType { return ActrType(event.Record(i).Record("type")) }

// SelfID is the observing node.
func (c Context) SelfID() ActrID { return ActrID(event.Record(c).Record("self-id")) }

// CallerID is on whose behalf it acted, where there is a caller.
func (c Context) CallerID() (caller ActrID, known bool) {
	record, known := event.Record(c).OptionalRecord("caller-id")
	return ActrID(record), known
}

// RequestID is the request it was serving; may be empty.
func (c Context) RequestID() string { return event.Record(c).Text("request-id") }

// Kind is its kind: "unavailable", "internal", and so on.
func (s ErrorSource) Kind() string { return event.Record(s).Text("kind") }

// Message is what it says.
func (s ErrorSource) Message() string { return event.Record(s).Text("message") }

// Attempt is which attempt this is, counted from 1, where the node says.
func (e SignalingEvent) Attempt() (attempt uint32, known bool) {
	return event.Record(e).OptionalUint32("attempt")
}

// Peer is the other side.
func (e PeerEvent) Peer() ActrID { return ActrID(event.Record(e).Record("peer")) }

// Relayed is whether the connection goes through a relay; known for on-webrtc-connected only.
func (e PeerEvent) Relayed() (relayed, known bool) { return event.Record(e).OptionalBool("relayed") }

// Status is the connection's state, where the node says.
func (e PeerEvent) Status() (status PeerStatus, known bool) {
	place, known := event.Record(e).OptionalCase("status", statusNames[:])
	return PeerStatus(place), known
}

// StreamID is the stream's name.
func (s StreamInfo) StreamID() string { return event.Record(s).Text("stream-id") }

// SessionID is the session it ran in.
func (s StreamInfo) SessionID() uint64 { return event.Record(s).Uint("session-id") }

// Reason is why the delivery is uncertain.
func (s StreamInfo) Reason() string { return event.Record(s).Text("reason") }

// Source is the error itself.
func (e ErrorEvent) Source() ErrorSource { return ErrorSource(event.Record(e).Record("source")) }

// Category is where it arose.
func (e ErrorEvent) Category() ErrorCategory {
	return ErrorCategory(event.Record(e).Case("category", categoryNames[:]))
}

// Context is what the node was doing, in words.
func (e ErrorEvent) Context() string { return event.Record(e).Text("context") }

// At is when it arose, in Unix nanoseconds.
func (e ErrorEvent) At() uint64 { return event.Record(e).Uint("at") }

// Stream is the stream, for DataStreamDeliveryUncertain.
func (e ErrorEvent) Stream() (stream StreamInfo, known bool) {
	record, known := event.Record(e).OptionalRecord("stream")
	return StreamInfo(record), known
}

// NewExpiry is when the credential (the new one, or the one that is expiring) ends, in Unix nanoseconds.
func (e CredentialEvent) NewExpiry() uint64 { return event.Record(e).Uint("new-expiry") }

// QueueLen is how many messages wait.
func (e BackpressureEvent) QueueLen() uint64 { return event.Record(e).Uint("queue-len") }

// Threshold is at how many the node calls it pressure.
func (e BackpressureEvent) Threshold() uint64 { return event.Record(e).Uint("threshold") }
