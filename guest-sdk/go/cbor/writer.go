package cbor

// Writer writes items one after another, each in its shortest form. The zero Writer has written nothing.
//
// The keys of a map are for the caller to put into deterministic order: shorter ones first, equal lengths
// alphabetically. An observer that reports with every event keeps its Writer and resets it.
type Writer struct {
	bytes []byte
}

// Map writes the head of a map; as many keys and values follow.
func (w *Writer) Map(entries int) *Writer {
	return w.head(mapType, uint64(entries))
}

// Array writes the head of an array; as many items follow.
func (w *Writer) Array(items int) *Writer {
	return w.head(arrayType, uint64(items))
}

// Uint writes a number.
func (w *Writer) Uint(value uint64) *Writer {
	return w.head(uintType, value)
}

// Bool writes a truth value.
func (w *Writer) Bool(value bool) *Writer {
	if value {
		w.bytes = append(w.bytes, trueByte)
	} else {
		w.bytes = append(w.bytes, falseByte)
	}
	return w
}

// Text writes a text.
func (w *Writer) Text(value string) *Writer {
	w.head(textType, uint64(len(value)))
	w.bytes = append(w.bytes, value...)
	return w
}

// Blob writes a byte string.
func (w *Writer) Blob(value []byte) *Writer {
	w.head(bytesType, uint64(len(value)))
	w.bytes = append(w.bytes, value...)
	return w
}

// Bytes is what was written; it is the Writer's own, until the next Reset.
func (w *Writer) Bytes() []byte {
	return w.bytes
}

// Reset makes the Writer one that has written nothing, and keeps its memory.
func (w *Writer) Reset() *Writer {
	w.bytes = w.bytes[:0]
	return w
}

// firstSize is enough for most findings; growing to it from nothing would take five allocations.
const firstSize = 128

// head writes a major type and its argument (RFC 8949 section 3).
func (w *Writer) head(major byte, argument uint64) *Writer {
	if w.bytes == nil {
		w.bytes = make([]byte, 0, firstSize)
	}
	initial := major << 5
	if argument < 24 {
		w.bytes = append(w.bytes, initial|byte(argument))
		return w
	}
	width := 0 // as a power of two
	for width < 3 && argument>>(8<<width) != 0 {
		width++
	}
	w.bytes = append(w.bytes, initial|byte(24+width))
	for shift := 8<<width - 8; shift >= 0; shift -= 8 {
		w.bytes = append(w.bytes, byte(argument>>shift))
	}
	return w
}
