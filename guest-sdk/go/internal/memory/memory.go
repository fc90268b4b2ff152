// Package memory owns what the host writes into this module: an event, or the answer of an import.
//
// There is static room for one of each, as big as the contract lets them get. It can't be Go's heap: the host
// asks for room while imports are shut, and the heap, as it grows, asks WASI for the time.
package memory

import (
	"unsafe"

	"wasmhost/observer/internal/raw"
)

// most is what an event, a state or a config value can have.
const most = 65_536

var (
	event  [most]byte
	answer [most]byte
	// asking is whether the room that the host asks for is for an answer.
	asking bool
	// area is where imports write their option. It is static, because the stack of a goroutine may move.
	area raw.Option
)

// realloc is the canonical ABI's allocator. It must not grow the stack either, for that takes heap.
//
//go:wasmexport cabi_realloc
//go:nosplit
func realloc(_ unsafe.Pointer, _, _, size uint32) unsafe.Pointer {
	if size > most {
		raw.Trap()
	}
	if asking {
		return unsafe.Pointer(&answer)
	}
	return unsafe.Pointer(&event)
}

// Config asks for the value of a key.
func Config(key string) (value string, found bool) {
	asking = true
	raw.ConfigGet(key, unsafe.Pointer(&area))
	asking = false
	if area.IsSome == 0 {
		return "", false
	}
	return string(answer[:area.Size]), true
}

// State asks for the state.
func State() (blob []byte, found bool) {
	asking = true
	raw.StateLoad(unsafe.Pointer(&area))
	asking = false
	if area.IsSome == 0 {
		return nil, false
	}
	return append([]byte{}, answer[:area.Size]...), true
}
