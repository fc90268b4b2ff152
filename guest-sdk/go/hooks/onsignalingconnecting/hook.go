// Package onsignalingconnecting is the hook on-signaling-connecting: the node dials the signaling server; it
// may have no identity yet. Who imports it exports the hook.
package onsignalingconnecting

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx *observer.Context, event observer.SignalingEvent)

// Handle sets who serves the hook; call it from an init function. The context is nil where the node has no
// identity yet.
func Handle(f func(ctx *observer.Context, event observer.SignalingEvent)) { handler = f }

//go:wasmexport wasmhost:observer/signaling@0.1.0#on-signaling-connecting
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.OpenEarly("on-signaling-connecting", data, size)
	if handler != nil {
		handler(frame.Early, observer.SignalingEvent(frame.Payload))
	}
}
