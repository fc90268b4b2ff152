// Package cbor reads and writes CBOR as far as the contract allows it: definite lengths, no tags, text keys.
//
// An observer needs its [Writer], for the bodies of reports. Events are read by the package observer; what
// that reads with is here as well.
package cbor

const (
	uintType = iota
	nintType
	bytesType
	textType
	arrayType
	mapType
	tagType
	simpleType
)

const (
	falseByte = 0xf4
	trueByte  = 0xf5
)
