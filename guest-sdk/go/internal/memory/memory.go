// Package memory owns what the host writes into this module.
//
// The event goes into one block that is used again for the next event, so a delivery allocates nothing. The
// answer of an import gets a block of its own, which belongs to whoever asked, and to Go's garbage collector
// after that.
package memory

import (
	"unsafe"

	"wasmhost/observer/internal/raw"
)

var (
	// room is the block for events; it grows to the biggest one.
	room = make([]byte, 1024)
	// answer is the block for what an import returns, asked for while asking.
	answer []byte
	asking bool
	// area is where imports write their option. It is static, because the stack of a goroutine may move while
	// the host calls back into the module.
	area raw.Option
)

// realloc is the canonical ABI's allocator: what the host calls to hand over a list of bytes or a string. It
// may call no import, so where memory is at its limit it ends in the runtime's own words.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, _, size uint32) unsafe.Pointer {
	block := take(int(size))
	if old != nil {
		copy(block, unsafe.Slice((*byte)(old), oldSize))
	}
	return unsafe.Pointer(unsafe.SliceData(block))
}

func take(size int) []byte {
	if asking {
		answer = make([]byte, size)
		return answer
	}
	if size > len(room) {
		room = make([]byte, size+size/2)
	}
	return room[:size]
}

// Config asks for the value of a key.
func Config(key string) (string, bool) {
	ask()
	raw.ConfigGet(key, unsafe.Pointer(&area))
	value, found := answered()
	return unsafe.String(unsafe.SliceData(value), len(value)), found
}

// State asks for the state.
func State() ([]byte, bool) {
	ask()
	raw.StateLoad(unsafe.Pointer(&area))
	return answered()
}

func ask() {
	asking, answer, area = true, nil, raw.Option{}
}

// answered takes over what the host has handed to us since ask.
func answered() ([]byte, bool) {
	given := answer
	asking, answer = false, nil
	if area.IsSome == 0 {
		return nil, false
	}
	return given[:area.Size], true
}
