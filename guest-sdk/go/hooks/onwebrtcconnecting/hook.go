// Package onwebrtcconnecting is the hook on-webrtc-connecting: a WebRTC connection to a peer is being made.
// Who imports it exports the hook.
package onwebrtcconnecting

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.PeerEvent)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context, event observer.PeerEvent)) { handler = f }

//go:wasmexport wasmhost:observer/webrtc@0.1.0#on-webrtc-connecting
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-webrtc-connecting", data, size)
	if handler != nil {
		handler(frame.Context, observer.PeerEvent(frame.Payload))
	}
}
