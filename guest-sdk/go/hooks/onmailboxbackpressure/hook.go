// Package onmailboxbackpressure is the hook on-mailbox-backpressure: more messages wait than the node likes.
// Who imports it exports the hook.
package onmailboxbackpressure

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.BackpressureEvent)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context, event observer.BackpressureEvent)) { handler = f }

//go:wasmexport wasmhost:observer/mailbox@0.1.0#on-mailbox-backpressure
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-mailbox-backpressure", data, size)
	if handler != nil {
		handler(frame.Context, observer.BackpressureEvent(frame.Payload))
	}
}
