// Package state is one blob that outlives the sandbox. Importing it needs the operator's grant.
package state

import (
	"unsafe"

	"wasmhost/observer/internal/memory"
	"wasmhost/observer/internal/raw"
)

// Load is the blob as last saved, also in this same delivery, where there is one.
func Load() (blob []byte, found bool) { return memory.State() }

// Save replaces the blob. It counts once the hook has returned; a panic takes it back.
func Save(blob []byte) {
	raw.StateSave(unsafe.Pointer(unsafe.SliceData(blob)), uint32(len(blob)))
}
