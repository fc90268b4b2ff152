// Package onwebsocketconnected is the hook on-websocket-connected: a WebSocket connection to a peer stands.
// Who imports it exports the hook.
package onwebsocketconnected

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.PeerEvent)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context, event observer.PeerEvent)) { handler = f }

//go:wasmexport wasmhost:observer/websocket@0.1.0#on-websocket-connected
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-websocket-connected", data, size)
	if handler != nil {
		handler(frame.Context, observer.PeerEvent(frame.Payload))
	}
}
