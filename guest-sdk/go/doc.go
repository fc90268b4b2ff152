// Package observer is for observers of a node's events, to run under wasmhost.
//
//	package main
//
//	import (
//		"wasmhost/observer"
//		"wasmhost/observer/hooks/onwebrtcconnected"
//		"wasmhost/observer/log"
//	)
//
//	func init() {
//		onwebrtcconnected.Handle(connected)
//	}
//
//	func connected(ctx observer.Context, event observer.PeerEvent) {
//		log.Info(event.Peer().Type().Name())
//	}
//
//	func main() {} // is never called, but a program must have one
//
// Each hook is a package of its own under hooks. A module exports the hooks whose packages it imports, and no
// others: that is what Go's linker does with go:wasmexport, so nothing is generated, and nothing can be
// forgotten. The compiler holds a handler to its hook's signature, and has no use for an import without one.
//
// Build it with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o observer.wasm
//
// # Events
//
// The host has checked every event before a guest sees it. A field is read when it is asked for; where it is
// nevertheless not what the contract says, that is a panic. A field that may be absent comes with a bool.
// Strings are ordinary strings. An event and its records can be read until the hook returns; to read one
// later is a panic, never another event's data.
//
// # Panics
//
// A panic ends the delivery: its message and place go to the host, which makes a fresh sandbox. So does
// running out of fuel, time or memory.
//
// # Starting
//
// What an observer keeps is best made with its first event, by
//
//	var watch = sync.OnceValue(newWatch)
//
// A panic there names the event. The config can be read in init functions as well, but a panic in one is a
// sandbox that can't be made.
//
// # Size and speed
//
// A module has Go's runtime in it: 1.9 MB, and 3 MiB of memory with Go 1.26 or newer. The package fmt adds
// 0.7 MB and time 0.3; strconv, strings and sort add little. A delivery allocates nothing by itself, so the
// garbage collector runs for what the observer allocates only, and not before that is some 4 MiB: where much
// is allocated, memory settles at 8 MiB.
//
// Goroutines run while a hook waits for them. One that is left over goes on when a later hook waits.
package observer

// Version is that of the SDK and of the contract it is for.
const Version = "0.1.0"
