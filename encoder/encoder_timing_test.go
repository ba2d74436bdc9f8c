package encoder

import (
	"testing"
	"time"
)

// chunkSize is about where Fluent Bit closes a chunk (flb_input_chunk.c).
const chunkSize = 2 << 20

// BenchmarkAppend encodes a chunk of each shape. It reports ns/record, bytes of
// msgpack a second, and the ratio to the time of copying the chunk, which is
// measured in between.
func BenchmarkAppend(b *testing.B) {
	benchmarkAppend(b, Options{})
}

// BenchmarkAppendOptions does the same with every field that an operator is
// likely to ask for.
func BenchmarkAppendOptions(b *testing.B) {
	benchmarkAppend(b, Options{TimeKey: "@timestamp", TagKey: "tag", MetadataKey: "metadata",
		KeyField: "host", RouteField: "$kubernetes['namespace_name']", MaxBytes: 1_000_000})
}

// BenchmarkAppendRaw takes the value of one field.
func BenchmarkAppendRaw(b *testing.B) {
	benchmarkAppend(b, Options{Format: FormatRaw, RawKey: "message"})
}

func benchmarkAppend(b *testing.B, o Options) {
	e := newEncoder(b, o)
	for _, s := range shapes(b, chunkSize) {
		b.Run(s.name, func(b *testing.B) {
			var batch Batch
			dst := make([]byte, len(s.chunk))
			encode := func() {
				batch.Reset()
				e.Append(&batch, s.chunk, "app.log")
				if len(batch.Records) != s.count {
					b.Fatalf("%d records of %d: %v", len(batch.Records), s.count, batch.Rejects)
				}
			}
			encode() // grows the memory
			var encoding, copying time.Duration
			b.SetBytes(int64(len(s.chunk)))
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				encode()
				encoding += time.Since(start)
				b.StopTimer()
				start = time.Now()
				copy(dst, s.chunk)
				copying += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(perRecord(encoding, b.N*s.count), "ns/record")
			b.ReportMetric(float64(encoding)/float64(copying), "x-memcpy-time")
		})
	}
}

func perRecord(d time.Duration, records int) float64 {
	return float64(d.Nanoseconds()) / float64(records)
}
