// Package onerror is the hook on-error: something went wrong in the node. Who imports it exports the hook.
package onerror

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.ErrorEvent) error

// Handle sets who serves the hook; call it from an init function. An error reaches the node's owner.
func Handle(f func(ctx observer.Context, event observer.ErrorEvent) error) { handler = f }

//go:wasmexport wasmhost:observer/lifecycle@0.1.0#on-error
func serve(data unsafe.Pointer, size uint32) unsafe.Pointer {
	defer hook.End()
	frame := hook.Open("on-error", data, size)
	if handler == nil {
		return hook.Lower(nil)
	}
	return hook.Lower(handler(frame.Context, observer.ErrorEvent(frame.Payload)))
}
