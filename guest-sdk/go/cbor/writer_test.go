package cbor

import (
	"bytes"
	"math"
	"testing"
)

// A head of every width.
var heads = []struct {
	value   uint64
	encoded string
}{
	{0, "\x00"},
	{23, "\x17"},
	{24, "\x18\x18"},
	{0xff, "\x18\xff"},
	{0x100, "\x19\x01\x00"},
	{0x1_0000, "\x1a\x00\x01\x00\x00"},
	{math.MaxUint32, "\x1a\xff\xff\xff\xff"},
	{1 << 32, "\x1b\x00\x00\x00\x01\x00\x00\x00\x00"},
	{math.MaxUint64, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"},
}

func TestNumbersAreWrittenInTheirShortestForm(t *testing.T) {
	for _, head := range heads {
		var writer Writer
		if written := string(writer.Uint(head.value).Bytes()); written != head.encoded {
			t.Errorf("%d is written as %x", head.value, written)
		}
	}
}

func TestItemsFollowOneAnother(t *testing.T) {
	var writer Writer
	writer.Map(2)
	writer.Text("a").Array(2).Bool(true).Bool(false)
	writer.Text("é").Blob([]byte{0, 1})
	const expected = "\xa2\x61a\x82\xf5\xf4\x62é\x42\x00\x01"
	if string(writer.Bytes()) != expected {
		t.Errorf("written: %x", writer.Bytes())
	}
}

func TestAResetWriterHasWrittenNothingAndAllocatesNothing(t *testing.T) {
	var writer Writer
	long := bytes.Repeat([]byte("x"), 1000)
	writer.Blob(long)
	allocations := testing.AllocsPerRun(10, func() { writer.Reset().Blob(long) })
	if allocations != 0 || len(writer.Bytes()) != 1003 {
		t.Errorf("%v allocations, %d bytes", allocations, len(writer.Bytes()))
	}
}
