// Package oncredentialexpiring is the hook on-credential-expiring: the node's credential ends soon. Who
// imports it exports the hook.
package oncredentialexpiring

import (
	"unsafe"

	"wasmhost/observer"
	"wasmhost/observer/internal/hook"
)

var handler func(ctx observer.Context, event observer.CredentialEvent)

// Handle sets who serves the hook; call it from an init function.
func Handle(f func(ctx observer.Context, event observer.CredentialEvent)) { handler = f }

//go:wasmexport wasmhost:observer/credential@0.1.0#on-credential-expiring
func serve(data unsafe.Pointer, size uint32) {
	defer hook.End()
	frame := hook.Open("on-credential-expiring", data, size)
	if handler != nil {
		handler(frame.Context, observer.CredentialEvent(frame.Payload))
	}
}
