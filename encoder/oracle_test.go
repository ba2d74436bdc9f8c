package encoder

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzOracle: the record is, byte for byte, what encoding/json makes of its
// values. It is rejected if a key that is a map or an array contains another such
// key, and only then.
func FuzzOracle(f *testing.F) {
	f.Add([]byte("\x00\x05log line\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add(bytes.Repeat([]byte{0, 1, 'k', 7}, 40))
	f.Add([]byte("\x03abc\x06\x02\x02xy\x07\x03\x00\x08\xf0\x9f\x98\x80 \"\\\n\x01\x0bC:\\path\tquo"))
	f.Add(bytes.Repeat([]byte("\x09\x0a\xe8\xae\xa2\xe5\x8d\x95\xe5\xa4\xb1"), 9))
	for n := 1; n < 20; n++ {
		f.Add(bytes.Repeat([]byte{1, anyKeyFrom, 7}, n))       // a map is the key of a map
		f.Add(bytes.Repeat([]byte{1, anyKeyFrom, 8, 1, 7}, n)) // a map in an array is
	}
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		g := generator{program}
		record := g.object(0)
		chunk := append(eventOf(appendMsgpack(t, nil, record)), eventOf([]byte{0x80})...)
		var b Batch
		e.Append(&b, chunk, "tag")
		want := "{}"
		if nestsKeys(record, false) {
			if len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooDeep) {
				t.Errorf("rejects %v of %s", b.Rejects, jsonText(t, record))
			}
		} else if want = jsonText(t, record) + want; len(b.Rejects) != 0 {
			t.Errorf("rejects %v of %s", b.Rejects, want)
		}
		if string(b.Buf) != want {
			t.Errorf("got  %s\nwant %s", b.Buf, want)
		}
	})
}

// appendMsgpack appends v as msgpack.
func appendMsgpack(t *testing.T, dst []byte, v any) []byte {
	t.Helper()
	switch v := v.(type) {
	case entries:
		dst = msgp.AppendMapHeader(dst, uint32(len(v)))
		for _, e := range v {
			dst = appendMsgpack(t, appendMsgpack(t, dst, e.key), e.value)
		}
		return dst
	case []any:
		dst = msgp.AppendArrayHeader(dst, uint32(len(v)))
		for _, element := range v {
			dst = appendMsgpack(t, dst, element)
		}
		return dst
	}
	dst, err := msgp.AppendIntf(dst, v)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

// nestsKeys reports whether v has a key that is a map or an array within another
// such key. within says that v itself is in such a key.
func nestsKeys(v any, within bool) bool {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			if nestsKeys(element, within) {
				return true
			}
		}
	case entries:
		for _, e := range v {
			container := false
			switch e.key.(type) {
			case entries, []any:
				container = true
			}
			if container && within || nestsKeys(e.key, within || container) || nestsKeys(e.value, within) {
				return true
			}
		}
	}
	return false
}

// jsonText returns v as JSON. The last of equal keys stays.
func jsonText(t *testing.T, v any) string {
	t.Helper()
	var parts []string
	switch v := v.(type) {
	case entries:
		var names []string
		last := map[string]int{}
		for i, e := range v {
			name, ok := e.key.(string)
			if !ok {
				name = jsonText(t, e.key)
			}
			names, last[name] = append(names, name), i
		}
		for i, e := range v {
			if last[names[i]] == i {
				parts = append(parts, referenceString([]byte(names[i]))+":"+jsonText(t, e.value))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		for _, element := range v {
			parts = append(parts, jsonText(t, element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case string:
		return referenceString([]byte(v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// entries is a map in its order, with keys that may be any value.
type entries []struct{ key, value any }

// generator makes values from bytes: values that msgpack and JSON have in common,
// except for the keys.
type generator struct{ program []byte }

// anyKeyFrom is the first of the bytes that begin a key that may be any value. A
// byte below it is the length of a key that is a string.
const anyKeyFrom = 0xf0

func (g *generator) next() byte {
	if len(g.program) == 0 {
		return 0
	}
	c := g.program[0]
	g.program = g.program[1:]
	return c
}

func (g *generator) text() string {
	n := min(int(g.next()), len(g.program))
	s := bytes.ToValidUTF8(g.program[:n], []byte("\uFFFD"))
	g.program = g.program[n:]
	return string(s)
}

func (g *generator) bits() (v uint64) {
	for range 8 {
		v = v<<8 | uint64(g.next())
	}
	return v
}

func (g *generator) object(depth int) entries {
	m := entries{}
	for n := g.next() % 64; n > 0 && len(g.program) > 0; n-- {
		var e struct{ key, value any }
		if g.program[0] >= anyKeyFrom {
			g.next()
			e.key = g.value(depth + 1)
		} else {
			e.key = g.text()
		}
		e.value = g.value(depth + 1)
		m = append(m, e)
	}
	return m
}

func (g *generator) value(depth int) any {
	switch kind := g.next() % 12; kind {
	case 0:
		return nil
	case 1:
		return g.next()&1 == 0
	case 2:
		return int64(int8(g.next()))
	case 3:
		return int64(g.bits())
	case 4:
		return g.bits()
	case 5:
		if v := math.Float64frombits(g.bits()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
		return 0.5
	case 6:
		if v := math.Float32frombits(uint32(g.bits())); v == v && !math.IsInf(float64(v), 0) {
			return v
		}
		return float32(0.5)
	case 7:
		if depth < 20 {
			return g.object(depth)
		}
		return nil
	case 8:
		list := []any{}
		for n := g.next() % 16; n > 0 && depth < 20 && len(g.program) > 0; n-- {
			list = append(list, g.value(depth+1))
		}
		return list
	default:
		return g.text()
	}
}
