// Package event has the event that is being delivered, and records as places in it.
//
// A record is where in the event its map begins, and a field is looked for when it is asked for: an observer
// that wants two fields of an event pays for two, and nothing is allocated. Texts are copied, so that they
// are ordinary strings, which last.
package event

import (
	"wasmhost/observer/cbor"
	"wasmhost/observer/internal/panics"
)

// current is the event being delivered. The number tells its records from those of others, whose place is
// another event's by now.
var current struct {
	bytes  []byte
	number uint32
	hook   string
	source Record
}

// Record is a map in an event.
type Record struct {
	at     uint32
	number uint32
}

// Frame is a hook-event as it travels, its parts still encoded.
type Frame struct {
	Context    Record
	HasContext bool
	Payload    Record
}

// Open makes bytes the event being delivered, and finds its parts. An event that is not whole is a panic.
func Open(hook string, bytes []byte) Frame {
	current.number++
	current.bytes, current.hook = bytes, hook
	var frame Frame
	hasPayload := false
	entries, at := cbor.Map(bytes, 0)
	for ; entries > 0 && at != cbor.Bad; entries-- {
		start, end := cbor.Text(bytes, at)
		if end == cbor.Bad {
			Broken()
		}
		switch string(bytes[start:end]) {
		case "ctx":
			frame.Context, frame.HasContext = recordAt(end), true
		case "event":
			frame.Payload, hasPayload = recordAt(end), true
		case "src":
			current.source = recordAt(end)
		}
		at = cbor.Skip(bytes, end)
	}
	if at != len(bytes) || !hasPayload {
		Broken()
	}
	return frame
}

// Close makes all records of the event ones that can't be read any more.
func Close() {
	current.number++
}

// Source is the event's src, where it says.
func Source() (string, bool) {
	if current.source.number != current.number {
		return "", false
	}
	return text(int(current.source.at)), true
}

// Broken panics for an event that is not what the contract says: a fault between host and guest, so it is
// loud.
func Broken() {
	panic(panics.Exact(current.hook + ": the event is not what the contract says"))
}

func recordAt(place int) Record {
	return Record{at: uint32(place), number: current.number}
}

// Uint is a number that must be there.
func (r Record) Uint(key string) uint64 {
	return number(r.must(key), 1<<64-1)
}

// Uint32 is a number of 32 bits that must be there.
func (r Record) Uint32(key string) uint32 {
	return uint32(number(r.must(key), 1<<32-1))
}

// Text is a text that must be there.
func (r Record) Text(key string) string {
	return text(r.must(key))
}

// Record is a record that must be there.
func (r Record) Record(key string) Record {
	return recordAt(r.must(key))
}

// Case is which of the names a text is that must be there.
func (r Record) Case(key string, names []string) int {
	return pick(r.must(key), names)
}

// OptionalRecord is a record that may be there.
func (r Record) OptionalRecord(key string) (record Record, found bool) {
	place, found := r.find(key)
	if found {
		record = recordAt(place)
	}
	return record, found
}

// OptionalUint32 is a number of 32 bits that may be there.
func (r Record) OptionalUint32(key string) (value uint32, found bool) {
	place, found := r.find(key)
	if found {
		value = uint32(number(place, 1<<32-1))
	}
	return value, found
}

// OptionalBool is a truth value that may be there.
func (r Record) OptionalBool(key string) (value, found bool) {
	place, found := r.find(key)
	if found {
		var next int
		if value, next = cbor.Bool(current.bytes, place); next == cbor.Bad {
			Broken()
		}
	}
	return value, found
}

// OptionalCase is which of the names a text is that may be there.
func (r Record) OptionalCase(key string, names []string) (value int, found bool) {
	place, found := r.find(key)
	if found {
		value = pick(place, names)
	}
	return value, found
}

func (r Record) must(key string) int {
	place, found := r.find(key)
	if !found {
		Broken()
	}
	return place
}

// find is the place of a key's value.
func (r Record) find(key string) (place int, found bool) {
	if r.number != current.number {
		panic("an event is read after its hook has returned")
	}
	place, found = cbor.Find(current.bytes, int(r.at), key)
	if place == cbor.Bad {
		Broken()
	}
	return place, found
}

func number(place int, most uint64) uint64 {
	value, next := cbor.Uint(current.bytes, place)
	if next == cbor.Bad || value > most {
		Broken()
	}
	return value
}

func text(place int) string {
	start, end := cbor.Text(current.bytes, place)
	if end == cbor.Bad {
		Broken()
	}
	return string(current.bytes[start:end])
}

func pick(place int, names []string) int {
	start, end := cbor.Text(current.bytes, place)
	if end != cbor.Bad {
		for value, name := range names {
			if string(current.bytes[start:end]) == name {
				return value
			}
		}
	}
	Broken()
	return 0
}
