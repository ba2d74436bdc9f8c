package encoder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// fuzzOptions is a choice of options by the bits of pick.
func fuzzOptions(pick uint16) Options {
	var o Options
	if pick&1 != 0 {
		o.Format, o.RawKey = FormatRaw, "log"
	}
	if pick&2 != 0 {
		o.TimeKey, o.TimeFormat = "a", TimeFormat(pick>>2&3)
	}
	if pick&16 != 0 {
		o.TagKey = "tag"
	}
	if pick&32 != 0 {
		o.MetadataKey, o.GroupKey = "m", "g"
	}
	if pick&64 != 0 {
		o.KeyField, o.RouteField = "$a['b'][0]", "log"
	}
	if pick&128 != 0 {
		o.MaxBytes, o.Oversize = 40+int(pick>>10), Oversize(pick>>8&1)
	}
	return o
}

// FuzzAppend: whatever the bytes, nothing panics, every record is valid JSON
// without a key twice, and records, rejects and group markers account for
// every object of the chunk.
func FuzzAppend(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, _, _, chunk := parseGolden(new(testing.T), string(text))
		for _, pick := range []uint16{0, 1, 0x7e, 0xf2, 0x1fe} {
			f.Add(chunk, pick)
		}
	}
	f.Fuzz(func(t *testing.T, chunk []byte, pick uint16) {
		e := newEncoder(t, fuzzOptions(pick))
		chunk = bytes.Clone(chunk)[:len(chunk):len(chunk)]
		var b Batch
		e.Append(&b, chunk, "tag")
		checkBatch(t, e, &b)
		checkAccount(t, e, &b, chunk)

		// The same bytes within a longer memory give the same: nothing beyond
		// the chunk is looked at.
		var again Batch
		e.Append(&again, append(bytes.Clone(chunk), `"""""""""""""""""""""""""""""""`...)[:len(chunk)], "tag")
		if !bytes.Equal(b.Buf, again.Buf) || !reflect.DeepEqual(b.Records, again.Records) {
			t.Errorf("what stands behind the chunk changes the result: %q and %q", b.Buf, again.Buf)
		}
	})
}

// checkBatch checks what holds for every result.
func checkBatch(t *testing.T, e *Encoder, b *Batch) {
	t.Helper()
	for _, r := range b.Records {
		value := b.Bytes(r.Value)
		if e.opts.MaxBytes > 0 && len(value) > e.opts.MaxBytes {
			t.Errorf("%d bytes, allowed are %d: %q", len(value), e.opts.MaxBytes, value)
		}
		if e.opts.Format == FormatJSON {
			checkJSON(t, value)
		}
		if r.Nsec < 0 || r.Nsec > 999_999_999 {
			t.Errorf("Nsec %d", r.Nsec)
		}
	}
	for _, r := range b.Rejects {
		if record := b.Bytes(r.Record); len(record) > 0 && e.opts.Format == FormatJSON {
			checkJSON(t, record)
		}
		if r.Err == nil || r.Length <= 0 {
			t.Errorf("reject %+v", r)
		}
	}
}

func checkJSON(t *testing.T, text []byte) {
	t.Helper()
	if !json.Valid(text) {
		t.Fatalf("not JSON: %q", text)
	}
	if key, twice := keyTwice(text); twice {
		t.Errorf("key %q stands twice: %s", key, text)
	}
	if text[0] != '{' {
		t.Errorf("no object: %s", text)
	}
}

// keyTwice looks for an object with two equal keys.
func keyTwice(text []byte) (string, bool) {
	type level struct {
		keys  map[string]bool // nil: an array
		value bool            // the next token is a value
	}
	var stack []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return "", false
		}
		if err != nil {
			panic(err)
		}
		top := len(stack) - 1
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].keys != nil {
			if !stack[top].value {
				key := token.(string)
				if stack[top].keys[key] {
					return key, true
				}
				stack[top].keys[key], stack[top].value = true, true
				continue
			}
			stack[top].value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}

// checkAccount goes through the chunk with msgp and looks where each object
// ended.
func checkAccount(t *testing.T, e *Encoder, b *Batch, chunk []byte) {
	t.Helper()
	records, rejects, pos := len(b.Records), b.Rejects, 0
	for pos < len(chunk) {
		rest, err := msgp.Skip(chunk[pos:])
		if len(rejects) > 0 && rejects[0].Offset <= pos {
			r := rejects[0]
			end := r.Offset + r.Length
			if err != nil {
				if !isRecursion(err) && (r.Offset != pos || end != len(chunk)) {
					t.Fatalf("broken at %d, reject %+v", pos, r)
				}
				pos = end
			} else {
				pos = len(chunk) - len(rest)
			}
			if pos > end {
				t.Fatalf("object ends at %d, within reject %+v", pos, r)
			}
			if pos == end {
				rejects = rejects[1:]
			}
			continue
		}
		if err != nil {
			t.Fatalf("broken at %d (%v), and no reject", pos, err)
		}
		end := len(chunk) - len(rest)
		if !isMarker(chunk[pos:end]) {
			records--
		}
		pos = end
	}
	if records != 0 || len(rejects) != 0 {
		t.Fatalf("%d records and rejects %+v too many", records, rejects)
	}
}

// isRecursion says that msgp gave up because of the nesting alone.
func isRecursion(err error) bool { return msgp.Cause(err) == msgp.ErrRecursion }

// isMarker says whether the object is an OTLP group marker.
func isMarker(object []byte) bool {
	n, rest, err := msgp.ReadArrayHeaderBytes(object)
	if err != nil || n != 2 {
		return false
	}
	if n, header, err := msgp.ReadArrayHeaderBytes(rest); err == nil {
		if n != 2 {
			return false
		}
		rest = header
	}
	for _, lead := range []string{"\xd7\x00", "\xc7\x08\x00"} {
		for _, sec := range []string{"\xff\xff\xff\xff", "\xff\xff\xff\xfe"} {
			if bytes.HasPrefix(rest, []byte(lead+sec)) {
				return true
			}
		}
	}
	return false
}

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

// FuzzNumbers: a number reads back as the same, and stands as encoding/json
// writes it.
func FuzzNumbers(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 0.1, 1e21, 1e-7, 123456789.123456, 5e-324, math.MaxFloat64, 999999999.999999, 1e9} {
		f.Add(math.Float64bits(v), int64(v), uint8(3))
	}
	f.Add(uint64(math.MaxUint64), int64(math.MinInt64), uint8(9))
	e, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, bits uint64, whole int64, decimals uint8) {
		list := []any{
			bits, whole, int64(bits >> (whole & 63)), uint64(whole),
			math.Float64frombits(bits), math.Float32frombits(uint32(bits)), float64(whole), float32(whole),
			float64(whole%1e15) / math.Pow10(int(decimals%12)), // few decimals
		}
		packed, err := msgp.AppendIntf(nil, list)
		if err != nil {
			t.Fatal(err)
		}
		text := encodeOne(t, e, append([]byte("\x81\xa1v"), packed...))
		var got struct{ V []json.RawMessage }
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.V) != len(list) {
			t.Fatalf("%s: %v", text, err)
		}
		for i, v := range list {
			if want := numberText(t, v); string(got.V[i]) != want {
				t.Errorf("%T %v is %s, want %s", v, v, got.V[i], want)
			}
			if err := readsBack(string(got.V[i]), v); err != nil {
				t.Error(err)
			}
		}
	})
}

func numberText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if _, none := err.(*json.UnsupportedValueError); none {
		return "null" // NaN, infinite
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readsBack(text string, v any) error {
	if text == "null" {
		return nil
	}
	var same bool
	switch v := v.(type) {
	case uint64:
		got, err := strconv.ParseUint(text, 10, 64)
		same = err == nil && got == v
	case int64:
		got, err := strconv.ParseInt(text, 10, 64)
		same = err == nil && got == v
	case float64:
		got, err := strconv.ParseFloat(text, 64)
		same = err == nil && math.Float64bits(got) == math.Float64bits(v)
	case float32:
		got, err := strconv.ParseFloat(text, 32)
		same = err == nil && math.Float32bits(float32(got)) == math.Float32bits(v)
	}
	if !same {
		return fmt.Errorf("%T %v does not read back from %s", v, v, text)
	}
	return nil
}
