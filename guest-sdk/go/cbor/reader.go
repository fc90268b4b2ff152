package cbor

// Reader reads items one after another, from bytes that it does not copy.
//
// The first item that is not as asked for makes it bad, for good: every read after that gives zero or
// nothing, so only the end needs a check.
type Reader struct {
	bytes []byte
	at    int
	bad   bool
}

// NewReader makes a Reader of the bytes from a place on.
func NewReader(bytes []byte, at int) Reader {
	return Reader{bytes: bytes, at: at}
}

// Bad is whether something was not as asked for.
func (r *Reader) Bad() bool { return r.bad }

// Done is whether all went well and nothing is left over.
func (r *Reader) Done() bool { return !r.bad && r.at == len(r.bytes) }

// At is the place of the next item.
func (r *Reader) At() int { return r.at }

// Map reads the head of a map: how many entries follow.
func (r *Reader) Map() uint64 { return r.expect(mapType) }

// Uint reads a number.
func (r *Reader) Uint() uint64 { return r.expect(uintType) }

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	if r.at >= len(r.bytes) {
		r.fail()
		return false
	}
	initial := r.bytes[r.at]
	if initial != trueByte && initial != falseByte {
		r.fail()
		return false
	}
	r.at++
	return initial == trueByte
}

// Text reads a text, as a view.
func (r *Reader) Text() []byte {
	size := r.expect(textType)
	if size > uint64(len(r.bytes)-r.at) {
		r.fail()
		return nil
	}
	start := r.at
	r.at += int(size)
	return r.bytes[start:r.at]
}

// Skip goes over the next item, whatever it is.
//
// It walks instead of recursing, so that no nesting can use up the stack. The items that are pending can't
// wrap: each head adds at most twice the bytes left, and there are no more heads than bytes.
func (r *Reader) Skip() {
	for pending := uint64(1); pending > 0; pending-- {
		major, argument := r.head()
		switch major {
		case bytesType, textType:
			if argument > uint64(len(r.bytes)-r.at) {
				r.fail()
				return
			}
			r.at += int(argument)
		case arrayType, mapType:
			if argument > uint64(len(r.bytes)-r.at) {
				r.fail()
				return
			}
			pending += argument << (major - arrayType) // a map's entry is two items
		case tagType:
			r.fail()
			return
		}
		if r.bad {
			return
		}
	}
}

// expect reads the head of an item that must be of this type, and gives its argument.
func (r *Reader) expect(wanted byte) uint64 {
	major, argument := r.head()
	if major != wanted {
		r.fail()
		return 0
	}
	return argument
}

// head reads an item's head (RFC 8949 section 3): its major type and its argument.
func (r *Reader) head() (byte, uint64) {
	if r.at >= len(r.bytes) {
		r.fail()
		return uintType, 0
	}
	initial := r.bytes[r.at]
	r.at++
	if info := initial & 0x1f; info >= 24 {
		return initial >> 5, r.wide(info)
	}
	return initial >> 5, uint64(initial & 0x1f)
}

// wide reads an argument in 1, 2, 4 or 8 bytes of its own. What is above is reserved, or an indefinite
// length; the contract has none of them.
func (r *Reader) wide(info byte) uint64 {
	width := 1 << (info - 24)
	if info > 27 || width > len(r.bytes)-r.at {
		r.fail()
		return 0
	}
	argument := uint64(0)
	for _, next := range r.bytes[r.at : r.at+width] {
		argument = argument<<8 | uint64(next)
	}
	r.at += width
	return argument
}

func (r *Reader) fail() {
	r.bad = true
	r.at = len(r.bytes)
}
