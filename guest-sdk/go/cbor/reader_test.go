package cbor

import (
	"bytes"
	"testing"
)

func TestAHeadOfEveryWidthIsRead(t *testing.T) {
	for _, head := range heads {
		value, next := Uint([]byte(head.encoded), 0)
		if value != head.value || next != len(head.encoded) {
			t.Errorf("%x is read as %d, up to %d", head.encoded, value, next)
		}
	}
}

func TestAnItemOfAnotherTypeIsRefused(t *testing.T) {
	for name, read := range map[string]func([]byte) int{
		"a number":       func(item []byte) int { _, next := Uint(item, 0); return next },
		"a text":         func(item []byte) int { _, next := Text(item, 0); return next },
		"a map":          func(item []byte) int { _, next := Map(item, 0); return next },
		"a truth value":  func(item []byte) int { _, next := Bool(item, 0); return next },
		"a key in a map": func(item []byte) int { next, _ := Find(item, 0, "key"); return next },
	} {
		for _, item := range []string{"", "\x20", "\x41x", "\x80", "\xc0\x00", "\xf6", "\xf9\x00\x15"} {
			if next := read([]byte(item)); next != Bad {
				t.Errorf("%x is read as %s", item, name)
			}
		}
	}
}

func TestTextsOfEverySize(t *testing.T) {
	for _, size := range []int{0, 1, 23, 24, 255, 256, 70_000} {
		var writer Writer
		item := writer.Text(string(bytes.Repeat([]byte("x"), size))).Bytes()
		start, next := Text(item, 0)
		if next != len(item) || next-start != size {
			t.Errorf("a text of %d bytes is read from %d to %d", size, start, next)
		}
		for short := range len(item) {
			if _, next := Text(item[:short], 0); next != Bad {
				t.Fatalf("%d of %d bytes are read as a text", short, len(item))
			}
		}
	}
}

func TestAKeyIsFoundAmongUnknownOnesOfAnyKind(t *testing.T) {
	var writer Writer
	writer.Map(5)
	writer.Text("a").Map(1).Text("x").Array(2).Uint(1).Text("y")
	writer.Text("b").Blob([]byte("zz"))
	writer.Text("c").Uint(1 << 63)
	writer.Text("wanted").Uint(7)
	writer.Text("after").Bool(true)
	place, found := Find(writer.Bytes(), 0, "wanted")
	if value, _ := Uint(writer.Bytes(), place); !found || value != 7 {
		t.Errorf("found %v: %d", found, value)
	}
	place, found = Find(writer.Bytes(), 0, "after")
	if value, _ := Bool(writer.Bytes(), place); !found || !value {
		t.Errorf("found %v: %v", found, value)
	}
	if place, found = Find(writer.Bytes(), 0, "absent"); found || place == Bad {
		t.Errorf("found %v, at %d", found, place)
	}
}

func TestSkippingStopsBehindTheItemAndGoesOverNoneThatIsCutShort(t *testing.T) {
	item := []byte("\xa2\x61a\x82\x01\xa0\x61b\x43xyz\x07")
	whole := len(item) - 1
	if next := Skip(item, 0); next != whole {
		t.Errorf("stopped at %d", next)
	}
	for short := range whole {
		if next := Skip(item[:short], 0); next != Bad {
			t.Errorf("%d bytes are skipped up to %d", short, next)
		}
	}
}

func TestWhatTheContractDoesNotAllowIsNotSkipped(t *testing.T) {
	for _, item := range []string{
		"", "\x18", "\x1c", "\x3f", "\x9f\xff", "\xbf\xff", "\xc1\x00", "\x62a", "\x82\x01",
		"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xbb\x80\x00\x00\x00\x00\x00\x00\x00", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		if next := Skip([]byte(item), 0); next != Bad {
			t.Errorf("%x is skipped up to %d", item, next)
		}
	}
}

func TestDeepNestingCostsNoStack(t *testing.T) {
	item := append(bytes.Repeat([]byte{0x81}, 1_000_000), 0)
	if next := Skip(item, 0); next != len(item) {
		t.Errorf("stopped at %d", next)
	}
}

func FuzzReadersStayInBounds(f *testing.F) {
	f.Add([]byte("\xa2\x61a\x82\x01\xa0\x61b\x43xyz\x07"))
	f.Fuzz(func(t *testing.T, item []byte) {
		if next := Skip(item, 0); next != Bad && (next < 1 || next > len(item)) {
			t.Errorf("skipped up to %d of %d", next, len(item))
		}
		if place, found := Find(item, 0, "b"); found && (place < 1 || place > len(item)) {
			t.Errorf("found at %d of %d", place, len(item))
		}
	})
}
