//go:build cgo

package encoder

import (
	"testing"
	"unsafe"

	"github.com/fluent/fluent-bit-go/output"
	jsoniter "github.com/json-iterator/go"
)

// BenchmarkFluentBitGo is what Go plugins do today, on the same chunks:
// fluent-bit-go's GetRecord, a conversion of its map[interface{}]interface{},
// and jsoniter.Marshal.
func BenchmarkFluentBitGo(b *testing.B) {
	for _, s := range shapes(b, chunkSize) {
		b.Run(s.name, func(b *testing.B) {
			perRecord(b, s, func() { baseline(b, s) })
		})
	}
}

func baseline(tb testing.TB, s shape) {
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
