// Package report sends findings: what an observer is for.
package report

import (
	"unsafe"

	"wasmhost/observer/cbor"
	"wasmhost/observer/internal/raw"
)

// Send sends one finding. The topic is at most 256 bytes, the body one item.
func Send(topic string, body *cbor.Writer) {
	bytes := body.Bytes()
	raw.ReportSend(topic, unsafe.Pointer(unsafe.SliceData(bytes)), uint32(len(bytes)))
}
