package encoder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestDepth: 128 levels are encoded, one more is rejected, and a very deep event
// costs no stack, no memory and none of the events behind it.
func TestDepth(t *testing.T) {
	e := newEncoder(t, Options{})
	nested := func(lead []byte, levels int) []byte {
		b := []byte{0x81, 0xa1, 'v'}
		return append(append(b, bytes.Repeat(lead, levels-1)...), 0xc0)
	}
	want := `{"v":` + strings.Repeat("[", maxDepth-1) + "null" + strings.Repeat("]", maxDepth-1) + "}"
	if got := encodeOne(t, e, nested([]byte{0x91}, maxDepth)); got != want {
		t.Errorf("%d levels: %s", maxDepth, got)
	}
	for name, lead := range map[string][]byte{"arrays": {0x91}, "maps": {0x81, 0xa1, 'v'}, "keys": {0x81}} {
		for _, levels := range []int{maxDepth + 1, 10_000, 1_000_000} {
			record := nested(lead, levels)
			if name == "keys" { // {{{…}: nil}: nil}: nil
				record = append(record, bytes.Repeat([]byte{0xc0}, levels-1)...)
			}
			chunk := append(eventOf(record), eventOf([]byte{0x80})...)
			var b Batch
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e.Append(&b, chunk, "tag")
			runtime.ReadMemStats(&after)
			if len(b.Records) != 1 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooDeep) {
				t.Fatalf("%s, %d levels: %d records, rejects %v", name, levels, len(b.Records), b.Rejects)
			}
			if r := b.Rejects[0]; r.Offset != 0 || r.Length != len(chunk)-len(eventOf(nil))-1 || r.Sec != 1_700_000_000 {
				t.Errorf("%s, %d levels: reject %+v", name, levels, r)
			}
			if used, limit := after.StackInuse-min(before.StackInuse, after.StackInuse), uint64(1<<20); used > limit {
				t.Errorf("%s, %d levels: the stack grew by %d", name, levels, used)
			}
		}
	}
}

// TestClaimedLengths: a header that claims more than the chunk has allocates
// nothing for it.
func TestClaimedLengths(t *testing.T) {
	e := newEncoder(t, Options{})
	for _, lead := range []byte{mpMap32, mpArray32, mpStr32, mpBin32, mpExt32} {
		for _, claim := range []uint32{0xffffffff, 0x7fffffff, 1 << 24} {
			record := binary.BigEndian.AppendUint32([]byte{0x81, 0xa1, 'v', lead}, claim)
			record = append(record, make([]byte, 40)...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var b Batch
			e.Append(&b, eventOf(record), "tag")
			runtime.ReadMemStats(&after)
			if len(b.Records) != 0 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrBroken) || !errors.Is(b.Rejects[0].Err, ErrMalformed) {
				t.Errorf("%#x of %d: %d records, rejects %v", lead, claim, len(b.Records), b.Rejects)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%#x of %d: %d bytes allocated", lead, claim, used)
			}
		}
	}
}

// TestCut cuts a chunk at every byte: the events before the cut are delivered,
// and the rest, if any, is one reject.
func TestCut(t *testing.T) {
	e := newEncoder(t, Options{TimeKey: "t", MetadataKey: "m", GroupKey: "g"})
	one := eventOf([]byte("\x83\xa1a\x93\x01\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xd9\x02hi\xa1b\x81\xd6\x05abcd\xc3\xa1c\xda\x00\x03xyz"))
	chunk := bytes.Repeat(one, 3)
	for cut := range len(chunk) + 1 {
		var b Batch
		e.Append(&b, chunk[:cut], "tag")
		whole := cut / len(one)
		if len(b.Records) != whole {
			t.Fatalf("cut at %d: %d records", cut, len(b.Records))
		}
		if rest := cut % len(one); rest == 0 {
			if len(b.Rejects) != 0 {
				t.Errorf("cut at %d: %v", cut, b.Rejects)
			}
		} else if len(b.Rejects) != 1 || b.Rejects[0].Offset != whole*len(one) || b.Rejects[0].Length != rest || !errors.Is(b.Rejects[0].Err, ErrBroken) {
			t.Errorf("cut at %d: %+v", cut, b.Rejects)
		}
	}
}

// TestNestedClaimedLengths: maps within each other that each claim as many
// entries as could follow are bounded by the chunk together.
func TestNestedClaimedLengths(t *testing.T) {
	const size = 1 << 20
	var record []byte
	for range maxDepth - 1 {
		record = binary.BigEndian.AppendUint32(append(record, mpMap32), (size-2000)/2)
		record = append(record, 0x01) // a key; its value is the next map
	}
	record = append(record, make([]byte, size-len(record))...)
	e := newEncoder(t, Options{})
	var b Batch
	e.Append(&b, eventOf(record), "tag")
	if len(b.Records) != 0 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrBroken) {
		t.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
	if b.Size() > 32*size {
		t.Errorf("%d bytes of memory for a chunk of %d", b.Size(), size)
	}
}
