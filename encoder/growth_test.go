package encoder

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// nestedKeys returns n maps within each other, each the only key of the map
// around it, with nil in the innermost.
func nestedKeys(n int) []byte {
	return append(append(bytes.Repeat([]byte{0x81}, n), 0xc0), bytes.Repeat([]byte{0xc0}, n)...)
}

// valuePlace is a chunk with a value at a certain place, and the options of an
// encoder that writes what is there.
type valuePlace struct {
	name    string
	options Options
	chunk   func(value []byte) []byte
}

const resourceOfMetrics = "resource of metrics"

// valuePlaces returns all places of a chunk from which the encoder writes values.
func valuePlaces() []valuePlace {
	const time = "\xd7\x00\x65\x53\xf1\x00\x00\x00\x00\x00"
	field := func(name string) func(value []byte) []byte {
		return func(value []byte) []byte {
			return eventOf(append(msgp.AppendString([]byte{0x81}, name), value...))
		}
	}
	return []valuePlace{
		{"record", Options{}, eventOf},
		{"record, old layout", Options{}, func(v []byte) []byte { return append([]byte("\x92"+time), v...) }},
		{"field", Options{}, field("v")},
		{"array as record", Options{}, func(v []byte) []byte { return eventOf(append([]byte{0x91}, v...)) }},
		{"value of a key that is a map", Options{}, func(v []byte) []byte {
			return eventOf(append(append([]byte{0x81, 0x81, 0xa1, 'k'}, v...), 0xc0))
		}},
		{"behind a key that is an array", Options{}, func(v []byte) []byte {
			return eventOf(append([]byte{0x82, 0x91, 0xc0, 0xc0, 0xa1, 'v'}, v...))
		}},
		{"metadata", Options{MetadataKey: "m"}, func(v []byte) []byte {
			return append(append([]byte("\x92\x92"+time), v...), 0x80)
		}},
		{"group attributes", Options{GroupKey: "g"}, func(v []byte) []byte {
			return append(append([]byte(startHeader+"\x81\xa1a"), v...), eventOf([]byte{0x80})...)
		}},
		{resourceOfMetrics, Options{GroupKey: "g"}, func(v []byte) []byte {
			b := []byte("\x82\xa4meta\x81\xa8external\x81\xa8resource")
			return append(append(b, v...), "\xa7metrics\x90"...)
		}},
		{"RawKey", Options{Format: FormatRaw, RawKey: "v"}, field("v")},
		{"RawKey, which is not there", Options{Format: FormatRaw, RawKey: "w"}, field("v")},
		{"KeyField", Options{KeyField: "v"}, field("v")},
		{"RouteField", Options{RouteField: "v"}, field("v")},
		{"KeyField within", Options{KeyField: "$v['a']"}, field("v")},
		{"RouteField within", Options{RouteField: "$v[0]"}, field("v")},
		{"fields in templates", Options{KeyField: "x-$v$TAG", RouteField: "$TAG$v['a']-$v[0]"}, field("v")},
		{"a key named like TagKey", Options{TagKey: "v"}, field("v")},
		{"a key named like TimeKey", Options{TimeKey: "v", TagKey: "t"}, field("v")},
		{"all at once", Options{Format: FormatRaw, RawKey: "v", KeyField: "v", RouteField: "v", TimeKey: "t", TagKey: "tag",
			MetadataKey: "m", GroupKey: "g", MaxBytes: 1 << 20, Oversize: OversizeTruncate}, field("v")},
	}
}

// TestNestedKeys: if a key that is a map or an array contains another one, at any
// place, the event is rejected, and the next event is not. With one level of such
// keys it is a record.
func TestNestedKeys(t *testing.T) {
	next := eventOf([]byte("\x81\xa4next\x01"))
	for _, place := range valuePlaces() {
		e := newEncoder(t, place.options)
		for n := 1; n <= 40; n++ {
			chunk := append(place.chunk(nestedKeys(n)), next...)
			var b Batch
			e.Append(&b, chunk, "tag")
			checkBatch(t, e, &b)
			checkGrowth(t, e, &b, chunk)
			if len(b.Records) == 0 || !bytes.Contains(b.Bytes(b.Records[len(b.Records)-1].Value), []byte(`"next":1}`)) {
				t.Fatalf("%s, %d maps: the next event is lost: %q, %v", place.name, n, b.Buf, b.Rejects)
			}
			switch refused := len(b.Rejects) == 1 && errors.Is(b.Rejects[0].Err, ErrTooDeep); {
			case n <= 2 && place.name != "value of a key that is a map" && len(b.Rejects) > 0:
				t.Fatalf("%s, %d maps: rejects %v", place.name, n, b.Rejects)
			case n > 2 && !refused:
				t.Fatalf("%s, %d maps: %q, rejects %v", place.name, n, b.Buf, b.Rejects)
			}
		}
	}
}

// TestKeysWithin: what a key that is a map or an array may contain, and what it
// may not.
func TestKeysWithin(t *testing.T) {
	e := newEncoder(t, Options{})
	for _, c := range []struct{ key, want string }{
		{"\x91\x81\xa1a\x91\x90", `{"[{\"a\":[[]]}]":1}`},
		{"\x81\x01\x02", `{"{\"1\":2}":1}`},
		{"\x81\xc0\xc0", `{"{\"null\":null}":1}`},
		{"\x81\xc4\x01b\xc4\x01\xff", `{"{\"b\":\"/w==\"}":1}`},
		{"\x81\xa1a\xd4\x05\x00", `{"{\"a\":{\"type\":5,\"data\":\"AA==\"}}":1}`},
		{"\x81\xd4\x05\x00\x00", ""}, // {ext: 0}
		{"\x81\xa1\x22\xa1\x5c", `{"{\"\\\"\":\"\\\\\"}":1}`},
		{"\x81\x80\x01", ""},                          // {{}: 1}
		{"\x81\x90\x01", ""},                          // {[]: 1}
		{"\x81\xde\x00\x00\x01", ""},                  // the same with a map16
		{"\x81\xdd\x00\x00\x00\x00\x01", ""},          // and an array32
		{"\x91\x91\x81\xa1a\x81\x90\x01", ""},         // [[{a: {[]: 1}}]]
		{"\x82\x01\x02\x91\x01\x02", ""},              // {1: 2, [1]: 2}
		{"\x82\xd4\x05\x00\x02\x91\x01\x02", ""},      // {ext: 2, [1]: 2}
		{"\x81\xa1a\x92\xc0\x81\x81\xc0\xc0\xc0", ""}, // {a: [nil, {{nil: nil}: nil}]}
	} {
		record := append(append([]byte{0x81}, c.key...), 0x01)
		if c.want != "" {
			if got := encodeOne(t, e, record); got != c.want {
				t.Errorf("% x: %s, want %s", c.key, got, c.want)
			}
			continue
		}
		var b Batch
		e.Append(&b, append(eventOf(record), eventOf([]byte{0x81, 0x90, 0x01})...), "tag")
		if len(b.Records) != 1 || string(b.Buf) != `{"[]":1}` || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooDeep) {
			t.Errorf("% x: %q, rejects %v", c.key, b.Buf, b.Rejects)
		}
	}
}

// checkGrowth checks that what the events of a chunk become is at most maxGrowth
// times the chunk, in addition to what the options add to each of them.
func checkGrowth(t *testing.T, e *Encoder, b *Batch, chunk []byte) {
	t.Helper()
	added := 0
	for _, k := range []struct {
		key   *addedKey
		value int
	}{
		{&e.timeKey, len(`"-285428681-01-01T00:00:00.000000000Z"`)},
		{&e.recordIDKey, 60},
		{&e.tagKey, len(b.w.tagJSON)},
		{&e.metadataKey, 0}, // counts as part of the event
		{&e.groupKey, maxGrowth * len(chunk)},
	} {
		if k.key.wanted() {
			added += len(k.key.json) + k.value + len(",")
		}
	}
	for i := range b.w.literals {
		added += len(b.w.literals[i].text)
	}
	limit := maxGrowth*len(chunk) + added*(len(b.Records)+len(b.Rejects))
	if len(b.Buf) > limit {
		t.Fatalf("%d bytes of a chunk of %d, limit %d: % .200x becomes %.400q", len(b.Buf), len(chunk), limit, chunk, b.Buf)
	}
}

// TestStepSize: a step of a chunk ends in time, also if its events add nothing to
// Batch.Buf.
func TestStepSize(t *testing.T) {
	const size = 10_000
	for _, c := range []struct {
		name    string
		options Options
		event   string
		count   int // records and rejects of one event
	}{
		{"records", Options{}, "\x92\x00\x81\xa1v\x01", 1},
		{"empty records", Options{}, "\x92\x00\x80", 1},
		{"raw records of nothing", Options{Format: FormatRaw, RawKey: "v"}, "\x92\x00\x81\xa1v\xa0", 1},
		{"rejects of a byte", Options{}, "\x90", 1},
		{"rejects that are too large", Options{MaxBytes: 1}, "\x92\x00\x80", 1},
		{"keys of the tag", Options{KeyField: "$TAG", RouteField: "x$TAG[0]"}, "\x92\x00\x80", 1},
		{"groups", Options{GroupKey: "g"}, startHeader + "\x81\xa1v\x01", 0},
	} {
		e := newEncoder(t, c.options)
		chunk := bytes.Repeat([]byte(c.event), size)
		var b Batch
		e.Begin(&b, chunk, "tag", time.Time{})
		count := 0
		for at := (Position{}); at.Offset < len(chunk); count += len(b.Records) + len(b.Rejects) {
			b.Reset()
			at = e.AppendSome(&b, chunk, at, size)
			if got := b.Size(); got > 4*size {
				t.Fatalf("%s: %d bytes of memory in a step of %d", c.name, got, size)
			}
		}
		b.End()
		if count != c.count*size {
			t.Errorf("%s: %d records and rejects of %d", c.name, count, c.count*size)
		}
	}
}

// growingChunks returns the chunks that take the most memory: nested keys at all
// places, which no mutation finds, since it would have to add a byte at two of
// them; and values that come near to maxGrowth.
func growingChunks() (chunks [][]byte) {
	for _, place := range valuePlaces() {
		for _, n := range []int{1, 2, 3, 4, 8, 20} {
			chunks = append(chunks, append(place.chunk(nestedKeys(n)), eventOf([]byte{0x80})...))
		}
	}
	for _, worst := range worstValues() {
		chunks = append(chunks, eventOf(worst.value), eventOf(append(append([]byte{0x81}, worst.value...), 0xc2)))
	}
	return chunks
}

type worstValue struct {
	name  string
	value []byte
}

// worstValues returns the values that grow the most, by themselves or as a key.
func worstValues() []worstValue {
	list := func(n int, of func(i int) []byte) []byte {
		b := msgp.AppendArrayHeader(nil, uint32(n))
		for i := range n {
			b = append(b, of(i)...)
		}
		return b
	}
	repeat := func(s string) []byte { return list(300, func(int) []byte { return []byte(s) }) }
	return []worstValue{
		{"false", repeat("\xc2")},
		{"empty ext", repeat("\xc7\x00\x80")},
		{"one-byte ext", repeat("\xd4\x80\x00")},
		{"float32", repeat("\xca\xe0\x8d\x5e\x4d")},
		{"float64", repeat("\xcb\xbe\xb0\x00\x00\x00\x00\x00\x01")},
		{"EventTime", repeat("\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
		{"control characters", msgp.AppendString(nil, string(bytes.Repeat([]byte{1}, 500)))},
		{"quotes", msgp.AppendString(nil, string(bytes.Repeat([]byte{'"'}, 500)))},
		{"invalid UTF-8", msgp.AppendString(nil, string(bytes.Repeat([]byte{0xff}, 500)))},
		{"base64", msgp.AppendBytes(nil, bytes.Repeat([]byte{0xff}, 500))},
		{"one-byte base64", repeat("\xc4\x01\xff")},
		{"false as a key", repeat("\x81\xc2\xc2")},
		{"ext as a key", list(20, func(i int) []byte {
			b := []byte{0x8f}
			for k := range 15 {
				b = append(b, 0xd4, 0x80, byte(15*i+k), 0xc2)
			}
			return b
		})},
	}
}

// TestGrowth: the inputs that come nearest to the bound keep it, and would not
// keep a bound that is lower by one.
func TestGrowth(t *testing.T) {
	worst := 0.0
	for _, c := range worstValues() {
		name, value := c.name, c.value
		for _, record := range [][]byte{
			value,
			append([]byte{0x81, 0xa1, 'v'}, value...),
			append(append([]byte{0x81}, value...), 0xc2),
			append(append([]byte{0x81, 0x91}, value...), 0xc2),
		} {
			chunk := eventOf(record)
			for _, o := range []Options{{}, {KeyField: "v", RouteField: "v"}, {KeyField: "$v[0]", RouteField: "$v[0]"},
				{Format: FormatRaw, RawKey: "v"}, {MaxBytes: 5000}, {MaxBytes: 100}, {MaxBytes: 100, Oversize: OversizeTruncate}} {
				e := newEncoder(t, o)
				var b Batch
				e.Append(&b, chunk, "tag")
				checkBatch(t, e, &b)
				checkGrowth(t, e, &b, chunk)
				if len(b.Records)+len(b.Rejects) != 1 {
					t.Errorf("%s, %+v: %d bytes, %d records, rejects %v", name, o, len(b.Buf), len(b.Records), b.Rejects)
				}
				worst = max(worst, float64(len(b.Buf))/float64(len(chunk)))
			}
		}
	}
	if worst <= maxGrowth-1 {
		t.Errorf("the worst grew %.2f times; maxGrowth is %d", worst, maxGrowth)
	}
}
