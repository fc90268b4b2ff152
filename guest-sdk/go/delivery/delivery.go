// Package delivery is what an observer may know of the delivery it is in.
package delivery

import (
	"wasmhost/observer/internal/event"
	"wasmhost/observer/internal/raw"
)

// Now is the event's own time, in Unix nanoseconds. It does not move while a hook runs, and is the same in a
// replay.
func Now() uint64 { return raw.DeliveryNow() }

// Sequence is the event's sequence number, contiguous per source.
func Sequence() uint64 { return raw.DeliverySequence() }

// Lost is how many events were lost for this observer since its previous delivery.
func Lost() uint64 { return raw.DeliveryLost() }

// Random is the next number of a stream that a replay repeats. No secret.
func Random() uint64 { return raw.DeliveryRandom() }

// Source is the emitter instance the event comes from, where it says.
func Source() (source string, known bool) { return event.Source() }
