package encoder

import (
	"bytes"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzMetrics: whatever the bytes, nothing panics, and every record is valid JSON
// that has no key twice. Rejects are in the order of the chunk. Records and
// rejects together are at most as many as the values in the chunk. The same comes
// of it sample by sample.
func FuzzMetrics(f *testing.F) {
	for _, chunk := range capturedMetrics(f) {
		if len(chunk) > 2000 { // the shorter ones have every kind of metric
			continue
		}
		for _, pick := range []uint16{0, 1, 0x7e, 0xf2, 0x1fe, 0x4000, 0xc040, 0x4080} {
			f.Add(chunk, pick)
		}
	}
	f.Add(metricsChunk(f, gauge(func(_, _, _ object) {})), uint16(0))
	for _, place := range valuePlaces() {
		for n := 1; n <= 20 && place.name == resourceOfMetrics; n++ {
			f.Add(place.chunk(nestedKeys(n)), uint16(0x7e))
		}
	}
	f.Fuzz(func(t *testing.T, chunk []byte, pick uint16) {
		e := newEncoder(t, fuzzOptions(pick))
		chunk = bytes.Clone(chunk)[:len(chunk):len(chunk)]
		var b Batch
		e.Append(&b, chunk, "tag")
		checkBatch(t, e, &b)
		end := 0
		for _, r := range b.Rejects {
			if r.Offset < end || r.Offset+r.Length > len(chunk) {
				t.Fatalf("reject %+v, the one before ends at %d, the chunk at %d", r, end, len(chunk))
			}
			end = r.Offset + r.Length
		}
		if n := len(b.Records) + len(b.Rejects); n > len(chunk) {
			t.Errorf("%d records and rejects of %d bytes", n, len(chunk))
		}
		for _, r := range b.Records { // of a metricstore: labels are JSON within JSON
			if n := r.Value.End - r.Value.Start; e.series != nil && n > 2*maxGrowth*len(chunk)+300 {
				t.Errorf("a record of %d bytes of a chunk of %d", n, len(chunk))
			}
		}
		checkPieces(t, e, &b, chunk)
		for rest := chunk; len(b.Rejects) == 0 && len(rest) > 0; { // all of it could be read
			var err error
			if rest, err = msgp.Skip(rest); err != nil && !isRecursion(err) {
				t.Fatalf("no reject, but %v", err)
			} else if err != nil {
				break
			}
		}
	})
}
