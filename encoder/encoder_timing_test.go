package encoder

import "testing"

// chunkSize is about where Fluent Bit closes a chunk (flb_input_chunk.c).
const chunkSize = 2 << 20

// BenchmarkAppend is the encoder. ns/record and B/s of msgpack.
func BenchmarkAppend(b *testing.B) {
	e, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range shapes(b, chunkSize) {
		b.Run(s.name, func(b *testing.B) {
			var batch Batch
			perRecord(b, s, func() {
				batch.Reset()
				e.Append(&batch, s.chunk, "app.log")
				if len(batch.Records) != s.count {
					b.Fatalf("%d records of %d", len(batch.Records), s.count)
				}
			})
		})
	}
}

// BenchmarkAppendOptions is the access log with every field an operator is
// likely to add.
func BenchmarkAppendOptions(b *testing.B) {
	e, err := New(Options{TimeKey: "@timestamp", TagKey: "tag", MetadataKey: "metadata",
		KeyField: "host", RouteField: "$kubernetes['namespace_name']", MaxBytes: 1_000_000})
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range shapes(b, chunkSize)[:2] {
		b.Run(s.name, func(b *testing.B) {
			var batch Batch
			perRecord(b, s, func() {
				batch.Reset()
				e.Append(&batch, s.chunk, "app.log")
			})
		})
	}
}

// BenchmarkMemcpy copies the chunk: the limit of what touches every byte once.
func BenchmarkMemcpy(b *testing.B) {
	for _, s := range shapes(b, chunkSize) {
		b.Run(s.name, func(b *testing.B) {
			dst := make([]byte, len(s.chunk))
			perRecord(b, s, func() { copy(dst, s.chunk) })
		})
	}
}

// perRecord times run on the whole chunk.
func perRecord(b *testing.B, s shape, run func()) {
	b.Helper()
	run() // grows the buffers
	b.SetBytes(int64(len(s.chunk)))
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.count), "ns/record")
}
