// Package onwebrtcconnected is the hook on-webrtc-connected: a WebRTC connection to a peer stands; Relayed
// says whether through a relay. Who imports it exports the hook.
package onwebrtcconnected

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.PeerEvent)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context, event observer.PeerEvent)) { handler = f }

//go:wasmexport wasmhost:observer/webrtc@0.1.0#on-webrtc-connected
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-webrtc-connected", data, size)
	if handler != nil {
		handler(frame.Context, observer.PeerEvent(frame.Payload))
	}
}
