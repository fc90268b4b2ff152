// Package raw is the raw ABI: wit/capabilities.wit as the canonical ABI lowers it to core Wasm. Strings and
// lists are a pointer and a size; a result that does not fit a core value is written to a return area.
//
// What is not called is not imported.
package raw

// Option is an option<string> or option<list<u8>>, as an import leaves it in a return area. Its list is the
// one that cabi_realloc has just made room for, so its pointer is of no use.
type Option struct {
	IsSome uint8
	_      [3]byte
	_      uint32
	Size   uint32
}

// Result is a result<_, string>, as a lifecycle hook returns it. Pointers have 32 bits in the ABI, and 64 in
// Go.
type Result struct {
	IsError uint32
	Data    uint32
	Size    uint32
}
