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
	Close()
	current.bytes, current.hook = bytes, hook
	var frame Frame
	hasPayload := false
	reader := cbor.NewReader(bytes, 0)
	for entries := reader.Map(); entries > 0 && !reader.Bad(); entries-- {
		switch string(reader.Text()) {
		case "ctx":
			frame.Context, frame.HasContext = recordAt(reader.At()), true
		case "event":
			frame.Payload, hasPayload = recordAt(reader.At()), true
		case "src":
			current.source = recordAt(reader.At())
		}
		reader.Skip()
	}
	if !reader.Done() || !hasPayload {
		Broken()
	}
	return frame
}

// Close makes all records of the event ones that can't be read any more.
func Close() {
	current.number++
	current.bytes, current.source = nil, Record{}
}

// Source is the event's src, where it says.
func Source() (string, bool) {
	if current.source == (Record{}) {
		return "", false
	}
	reader := current.source.reader()
	return text(&reader), true
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
	reader := r.must(key)
	value := reader.Uint()
	check(&reader)
	return value
}

// Uint32 is a number of 32 bits that must be there.
func (r Record) Uint32(key string) uint32 {
	reader := r.must(key)
	return small(&reader)
}

// Text is a text that must be there.
func (r Record) Text(key string) string {
	reader := r.must(key)
	return text(&reader)
}

// Record is a record that must be there.
func (r Record) Record(key string) Record {
	reader := r.must(key)
	return recordAt(reader.At())
}

// OptionalRecord is a record that may be there.
func (r Record) OptionalRecord(key string) (Record, bool) {
	reader, found := r.find(key)
	if !found {
		return Record{}, false
	}
	return recordAt(reader.At()), true
}

// OptionalUint32 is a number of 32 bits that may be there.
func (r Record) OptionalUint32(key string) (uint32, bool) {
	reader, found := r.find(key)
	if !found {
		return 0, false
	}
	return small(&reader), true
}

// OptionalBool is a truth value that may be there.
func (r Record) OptionalBool(key string) (value, found bool) {
	reader, found := r.find(key)
	if found {
		value = reader.Bool()
		check(&reader)
	}
	return value, found
}

// Case is which of the names a text is that must be there.
func (r Record) Case(key string, names []string) int {
	reader := r.must(key)
	return pick(&reader, names)
}

// OptionalCase is which of the names a text is that may be there.
func (r Record) OptionalCase(key string, names []string) (int, bool) {
	reader, found := r.find(key)
	if !found {
		return 0, false
	}
	return pick(&reader, names), true
}

func (r Record) must(key string) cbor.Reader {
	reader, found := r.find(key)
	if !found {
		Broken()
	}
	return reader
}

// find gives a reader at the value of a key.
func (r Record) find(key string) (cbor.Reader, bool) {
	reader := r.reader()
	for entries := reader.Map(); entries > 0 && !reader.Bad(); entries-- {
		if string(reader.Text()) == key {
			return reader, true
		}
		reader.Skip()
	}
	check(&reader)
	return reader, false
}

func (r Record) reader() cbor.Reader {
	if r.number != current.number || current.bytes == nil {
		panic("an event is read after its hook has returned")
	}
	return cbor.NewReader(current.bytes, int(r.at))
}

func check(reader *cbor.Reader) {
	if reader.Bad() {
		Broken()
	}
}

func small(reader *cbor.Reader) uint32 {
	value := reader.Uint()
	if reader.Bad() || value > 1<<32-1 {
		Broken()
	}
	return uint32(value)
}

func text(reader *cbor.Reader) string {
	value := reader.Text()
	check(reader)
	return string(value)
}

func pick(reader *cbor.Reader, names []string) int {
	value := reader.Text()
	for place, name := range names {
		if string(value) == name {
			return place
		}
	}
	Broken()
	return 0
}
