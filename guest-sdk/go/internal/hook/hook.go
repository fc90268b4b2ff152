// Package hook is what the packages of hooks have in common: the way from an export to a handler and back.
package hook

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/event"
	_ "wasmhost/observer/internal/memory" // exports cabi_realloc
	"wasmhost/observer/internal/panics"
	"wasmhost/observer/internal/raw"
)

// Frame is an event that was opened for a hook.
type Frame struct {
	// Context is who observed it.
	Context observer.Context
	// Early is the same for the hooks that can come before the node has an identity: nil where it has none.
	Early *observer.Context
	// Payload is the record that belongs to the hook.
	Payload event.Record
}

// Open opens an event that must have a context. End must be deferred before.
func Open(name string, data unsafe.Pointer, size uint32) Frame {
	frame := OpenEarly(name, data, size)
	if frame.Early == nil {
		event.Broken()
	}
	return frame
}

// early is the context of the event being delivered. It is static so that no delivery allocates one.
var early observer.Context

// OpenEarly opens an event of a hook that can come before the node has an identity.
func OpenEarly(name string, data unsafe.Pointer, size uint32) Frame {
	opened := event.Open(name, unsafe.Slice((*byte)(data), size))
	early = observer.Context(opened.Context)
	frame := Frame{Context: early, Payload: opened.Payload}
	if opened.HasContext {
		frame.Early = &early
	}
	return frame
}

// End ends a hook: deferred by each export, so that a panic arrives with its words and place. It traps by
// itself, with no function in between, because the innermost frames tell one panic from another.
func End() {
	if cause := recover(); cause != nil {
		words, ok := panics.Tell(cause)
		if !ok {
			panic(cause) // The runtime can print any value; it does so on standard error.
		}
		raw.PanicReport(words)
		raw.Trap()
	}
	event.Close()
}

// What the lifecycle hook that was called last returned: kept until the next, for the host to read.
var (
	returned raw.Result
	words    string
)

// Lower makes a hook's result one of the ABI.
func Lower(failure error) unsafe.Pointer {
	returned, words = raw.Result{}, ""
	if failure != nil {
		words = failure.Error()
		returned.IsError = 1
		returned.Data = uint32(uintptr(unsafe.Pointer(unsafe.StringData(words))))
		returned.Size = uint32(len(words))
	}
	return unsafe.Pointer(&returned)
}
