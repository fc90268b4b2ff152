// Package onstart is the hook on-start: the node starts; it may have no peers yet. Who imports it exports the
// hook.
package onstart

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context) error

// Handle sets who serves the hook; call it from an init function. An error reaches the node's owner.
func Handle(f func(ctx observer.Context) error) { handler = f }

//go:wasmexport wasmhost:observer/lifecycle@0.1.0#on-start
func serve(data unsafe.Pointer, size uint32) unsafe.Pointer {
	defer hook.End()
	frame := hook.Open("on-start", data, size)
	if handler == nil {
		return hook.Lower(nil)
	}
	return hook.Lower(handler(frame.Context))
}
