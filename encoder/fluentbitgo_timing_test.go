//go:build cgo

package encoder

import (
	"testing"
	"time"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"
	jsoniter "github.com/json-iterator/go"
)

// BenchmarkAgainstFluentBitGo encodes a chunk with this package and in the way of
// Go plugins, in turns, so that whatever else the machine does affects both. That
// way is fluent-bit-go's GetRecord, a conversion of its
// map[interface{}]interface{}, and jsoniter.Marshal. x-faster is the ratio of the
// throughputs.
func BenchmarkAgainstFluentBitGo(b *testing.B) {
	e := newEncoder(b, Options{})
	for _, s := range shapes(b, chunkSize) {
		b.Run(s.name, func(b *testing.B) {
			var batch Batch
			e.Append(&batch, s.chunk, "app.log")
			var ours, theirs time.Duration
			rounds := 0
			for b.Loop() {
				start := time.Now()
				decodeAndMarshal(b, s)
				spent := time.Since(start)
				theirs += spent
				for until := ours + spent/2; ours < until; rounds++ {
					start = time.Now()
					batch.Reset()
					e.Append(&batch, s.chunk, "app.log")
					ours += time.Since(start)
				}
			}
			mine, other := perRecord(ours, rounds*s.count), perRecord(theirs, b.N*s.count)
			b.ReportMetric(mine, "ns/record")
			b.ReportMetric(other, "ns/record-fluent-bit-go")
			b.ReportMetric(other/mine, "x-faster")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func decodeAndMarshal(tb testing.TB, s shape) {
	decoder := output.NewDecoder(unsafe.Pointer(unsafe.SliceData(s.chunk)), len(s.chunk))
	for range s.count {
		ret, _, record := output.GetRecord(decoder)
		if ret != 0 {
			tb.Fatalf("GetRecord: %d", ret)
		}
		if _, err := jsoniter.Marshal(convertMap(record)); err != nil {
			tb.Fatal(err)
		}
	}
}

func convertMap(m map[interface{}]interface{}) map[string]interface{} {
	out := make(map[string]interface{}, len(m))
	for k, v := range m {
		if name, ok := k.(string); ok {
			out[name] = convertValue(v)
		}
	}
	return out
}

func convertValue(v interface{}) interface{} {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case map[interface{}]interface{}:
		return convertMap(v)
	case []interface{}:
		for i := range v {
			v[i] = convertValue(v[i])
		}
	}
	return v
}
