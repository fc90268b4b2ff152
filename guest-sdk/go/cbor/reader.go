package cbor

// Reading is done by functions from a place in the bytes to the next, not by a reader with a state of its
// own, and in as few calls as can be: on Wasm a call of Go costs as much as walking over an item. A place
// that is Bad is what comes of an item that is not as asked for; every function passes it on.

// Bad is no place.
const Bad = -1

// The first byte of the empty text; those of the next 23 sizes follow.
const shortText = 0x60

// Skip goes over an item, whatever it is.
//
// It walks instead of recursing, so that no nesting can use up the stack. The items that are pending can't
// wrap: each head adds at most twice the bytes left, and there are no more heads than bytes.
func Skip(bytes []byte, at int) int {
	if at < 0 {
		return Bad
	}
	for pending := uint64(1); pending > 0; pending-- {
		if at >= len(bytes) {
			return Bad
		}
		initial := bytes[at]
		at++
		if size := initial - shortText; size < 24 { // Most items are: keys and names.
			at += int(size)
			continue
		}
		argument := uint64(initial & 0x1f)
		if argument >= 24 {
			width := 1 << (argument - 24)
			if argument > 27 || width > len(bytes)-at {
				return Bad
			}
			argument = bigEndian(bytes[at : at+width])
			at += width
		}
		switch initial >> 5 {
		case uintType, nintType, simpleType:
			continue
		case tagType:
			return Bad
		}
		if argument > uint64(len(bytes)-at) {
			return Bad
		}
		switch initial >> 5 {
		case mapType:
			pending += 2 * argument
		case arrayType:
			pending += argument
		default:
			at += int(argument)
		}
	}
	if at > len(bytes) {
		return Bad
	}
	return at
}

// Map reads the head of a map: how many entries follow, and where.
func Map(bytes []byte, at int) (entries uint64, next int) {
	return expect(bytes, at, mapType)
}

// Uint reads a number.
func Uint(bytes []byte, at int) (value uint64, next int) {
	return expect(bytes, at, uintType)
}

// Bool reads a truth value.
func Bool(bytes []byte, at int) (value bool, next int) {
	if uint(at) >= uint(len(bytes)) || bytes[at]|1 != trueByte {
		return false, Bad
	}
	return bytes[at] == trueByte, at + 1
}

// Text reads a text: its bytes end at next.
func Text(bytes []byte, at int) (start, next int) {
	if uint(at) >= uint(len(bytes)) {
		return 0, Bad
	}
	size := uint64(bytes[at] - shortText)
	if size < 24 {
		at++
	} else if size, at = expect(bytes, at, textType); at == Bad {
		return 0, Bad
	}
	if size > uint64(len(bytes)-at) {
		return 0, Bad
	}
	return at, at + int(size)
}

// Find looks for a key in the map at a place: where its value is, or where the map ends without it; Bad where
// it is none.
func Find(bytes []byte, at int, key string) (value int, found bool) {
	entries, at := expect(bytes, at, mapType)
	for ; entries > 0; entries-- {
		start, end := Text(bytes, at)
		if end == Bad {
			return Bad, false
		}
		if end-start == len(key) && string(bytes[start:end]) == key {
			return end, true
		}
		if at = Skip(bytes, end); at == Bad {
			return Bad, false
		}
	}
	return at, false
}

// expect reads the head of an item (RFC 8949 section 3) that must be of this type, and gives its argument.
func expect(bytes []byte, at int, wanted byte) (argument uint64, next int) {
	if uint(at) >= uint(len(bytes)) || bytes[at]>>5 != wanted {
		return 0, Bad
	}
	argument = uint64(bytes[at] & 0x1f)
	at++
	if argument < 24 {
		return argument, at
	}
	// 28 and above are reserved, or an indefinite length; the contract has none of them.
	width := 1 << (argument - 24)
	if argument > 27 || width > len(bytes)-at {
		return 0, Bad
	}
	return bigEndian(bytes[at : at+width]), at + width
}

func bigEndian(bytes []byte) (value uint64) {
	for _, next := range bytes {
		value = value<<8 | uint64(next)
	}
	return value
}
