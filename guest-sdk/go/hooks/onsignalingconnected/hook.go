// Package onsignalingconnected is the hook on-signaling-connected: the signaling connection stands; the node
// may have no identity yet. Who imports it exports the hook.
package onsignalingconnected

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx *observer.Context)

// Handle sets who serves the hook; call it from an init function. The context is nil where the node has no
// identity yet.
func Handle(f func(ctx *observer.Context)) { handler = f }

//go:wasmexport wasmhost:observer/signaling@0.1.0#on-signaling-connected
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.OpenEarly("on-signaling-connected", data, size)
	if handler != nil {
		handler(frame.Early)
	}
}
