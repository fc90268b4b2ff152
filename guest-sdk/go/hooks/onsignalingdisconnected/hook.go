// Package onsignalingdisconnected is the hook on-signaling-disconnected: the signaling connection is lost.
// Who imports it exports the hook.
package onsignalingdisconnected

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context)) { handler = f }

//go:wasmexport wasmhost:observer/signaling@0.1.0#on-signaling-disconnected
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-signaling-disconnected", data, size)
	if handler != nil {
		handler(frame.Context)
	}
}
