package encoder

import (
	"strings"
	"testing"

	jsoniter "github.com/json-iterator/go"
)

// BenchmarkWriter compares jsoniter's Stream with the encoder, for each kind of
// value. The encoder uses the Stream ("through") or its own code ("own").
func BenchmarkWriter(b *testing.B) {
	var w walker
	w.open(newEncoder(b, Options{}), nil, "")
	dst := make([]byte, 0, 4096)
	run := func(name string, stream func(*jsoniter.Stream), own string, write func(dst []byte) []byte) {
		s := jsoniter.NewStream(jsoniter.ConfigDefault, nil, 4096)
		b.Run(name+"/stream", func(b *testing.B) {
			for b.Loop() {
				s.SetBuffer(s.Buffer()[:0])
				stream(s)
			}
		})
		b.Run(name+"/"+own, func(b *testing.B) {
			for b.Loop() {
				write(dst)
			}
		})
	}
	text := func(name, s string) {
		src := []byte(s + strings.Repeat(".", 64)) // a chunk goes on
		run(name, func(w *jsoniter.Stream) { w.WriteString(s) }, "own",
			func(dst []byte) []byte { return appendString(dst, src, 0, len(s)) })
	}
	text("short", "GET")
	text("path", "/api/v1/projects/17/items?page=3&sort=created_at")
	text("escapes", strings.Repeat("\tat com.example.Dispatcher.invoke(\"worker\")\n", 10))
	text("chinese", strings.Repeat("订单处理失败：库存不足，请稍后重试。", 10))
	for name, v := range map[string]int64{"int_1": 7, "int_6": 123456, "int_19": 1234567890123456789} {
		run(name, func(w *jsoniter.Stream) { w.WriteInt64(v) }, "through", func(dst []byte) []byte { return w.appendInt(dst, v) })
	}
	run("float_few", func(w *jsoniter.Stream) { w.WriteFloat64(12.25) }, "own", func(dst []byte) []byte { return w.appendFloat64(dst, 12.25) })
	run("float_many", func(w *jsoniter.Stream) { w.WriteFloat64(1.0 / 3) }, "through", func(dst []byte) []byte { return w.appendFloat64(dst, 1.0/3) })
	run("null", func(w *jsoniter.Stream) { w.WriteNil() }, "own", func(dst []byte) []byte { return append(dst, "null"...) })
	object := []byte("\x82\xa4host\x01\xa4code\x02................")
	run("object", func(w *jsoniter.Stream) {
		w.WriteObjectStart()
		w.WriteObjectField("host")
		w.WriteInt64(1)
		w.WriteMore()
		w.WriteObjectField("code")
		w.WriteInt64(2)
		w.WriteObjectEnd()
	}, "own", func(dst []byte) []byte {
		dst, _ = w.appendObject(dst, object, 1, 2, 2)
		return dst
	})
}
