package encoder

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzOracle: on what msgpack and JSON have in common the record equals what
// msgp and encoding/json make of it.
func FuzzOracle(f *testing.F) {
	f.Add([]byte("\x00\x05log line\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add(bytes.Repeat([]byte{0, 1, 'k', 7}, 40))
	f.Add([]byte("\x03abc\x06\x02\x02xy\x07\x03\x00\x08\xf0\x9f\x98\x80 \"\\\n\x01\x0bC:\\path\tquo"))
	f.Add(bytes.Repeat([]byte("\x09\x0a\xe8\xae\xa2\xe5\x8d\x95\xe5\xa4\xb1"), 9))
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		g := generator{program}
		record := g.object(0)
		packed, err := msgp.AppendIntf(nil, record)
		if err != nil {
			t.Fatal(err)
		}
		decoded, _, err := msgp.ReadIntfBytes(packed)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		got := encodeOne(t, e, packed)
		if !reflect.DeepEqual(parse(t, []byte(got)), parse(t, want)) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// parse keeps the text of numbers.
func parse(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// generator makes values that msgpack and JSON have in common of a run of
// bytes.
type generator struct{ program []byte }

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

func (g *generator) object(depth int) map[string]any {
	m := map[string]any{}
	for n := g.next() % 64; n > 0 && len(g.program) > 0; n-- {
		name := g.text()
		m[name] = g.value(depth + 1)
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
