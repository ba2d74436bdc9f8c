package encoder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// TestTruncateFits: whatever the limit, a cut record is valid, fits, says that it
// was cut, has only whole characters, and would not fit with one more.
func TestTruncateFits(t *testing.T) {
	for _, unit := range []string{"x", "é", "日", "😀", "\"", "\x01", "a日\n😀\\"} {
		text := strings.Repeat(unit, 100)
		record := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "short"), "s")
		record = msgp.AppendString(msgp.AppendString(record, "v"), text)
		for limit := 1; limit < 700; limit++ {
			e := newEncoder(t, Options{MaxBytes: limit, Oversize: OversizeTruncate})
			var b Batch
			e.Append(&b, eventOf(record), "tag")
			if len(b.Records) == 0 {
				if least := len(`{"short":"s","v":"","__truncated__":true}`); limit >= least || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooLarge) {
					t.Fatalf("%q, limit %d: %+v", unit, limit, b.Rejects)
				}
				continue
			}
			value := b.Bytes(b.Records[0].Value)
			var got struct {
				Short, V  string
				Truncated bool `json:"__truncated__"`
			}
			if err := json.Unmarshal(value, &got); err != nil {
				t.Fatalf("%q, limit %d: %v: %s", unit, limit, err, value)
			}
			if len(value) > limit || got.Short != "s" || !strings.HasPrefix(text, got.V) || !utf8.ValidString(got.V) ||
				got.Truncated == (got.V == text) {
				t.Fatalf("%q, limit %d: %s", unit, limit, value)
			}
			if next, size := utf8.DecodeRuneInString(text[len(got.V):]); size > 0 {
				if more := len(referenceString([]byte(string(next)))) - 2; len(value)+more <= limit {
					t.Fatalf("%q, limit %d: %d bytes, one more would fit", unit, limit, len(value))
				}
			}
		}
	}
}

// TestGiveUp: a record far beyond the limit is not encoded to its end, wherever
// its size comes from, and the next one is delivered. A smaller one is kept
// whole.
func TestGiveUp(t *testing.T) {
	const limit = 1000
	str := func(n int) []byte { return msgp.AppendString(nil, strings.Repeat("\x01", n)) }
	list := func(n int, element []byte) []byte {
		return append(msgp.AppendArrayHeader(nil, uint32(n)), bytes.Repeat(element, n)...)
	}
	wide := func(n int, value []byte) []byte {
		b := msgp.AppendMapHeader(nil, uint32(n))
		for i := range n {
			b = append(msgp.AppendString(b, fmt.Sprint(i)), value...)
		}
		return b
	}
	field := func(v []byte) []byte { return append([]byte{0x81, 0xa1, 'v'}, v...) }
	key := func(v []byte) []byte { return append(append([]byte{0x81}, v...), 0xc0) }
	next := eventOf([]byte{0x80})
	for _, c := range []struct {
		name   string
		record func(n int) []byte // with about n*factor bytes of JSON
		factor int
		single bool // one string, which may be cut
	}{
		{"string", func(n int) []byte { return field(str(n)) }, 6, true},
		{"binary", func(n int) []byte { return field(msgp.AppendBytes(nil, bytes.Repeat([]byte{0xff}, n))) }, 1, true},
		{"ext", func(n int) []byte { return field(list(n, []byte{0xd4, 0x80, 0})) }, 28, false},
		{"key", func(n int) []byte { return key(str(n)) }, 6, false},
		{"binary as key", func(n int) []byte { return key(msgp.AppendBytes(nil, bytes.Repeat([]byte{1}, n))) }, 6, false},
		{"array as key", func(n int) []byte { return key(list(n, []byte{0xc2})) }, 6, false},
		{"string in a key", func(n int) []byte { return key(list(1, str(n))) }, 7, false},
		{"array", func(n int) []byte { return field(list(n, []byte{0xc0})) }, 5, false},
		{"array of arrays", func(n int) []byte { return field(list(n, []byte{0x90})) }, 3, false},
		{"array as record", func(n int) []byte { return list(n, []byte{0xc0}) }, 5, false},
		{"map", func(n int) []byte { return wide(n, []byte{0xc0}) }, 10, false},
		{"few exts", func(n int) []byte { return field(list(n/100+1, []byte{0xd4, 0x80, 0})) }, 1, false},
		{"few strings", func(n int) []byte { return field(wide(n/200+1, str(200))) }, 6, false},
		{"map of strings", func(n int) []byte { return wide(n, str(200)) }, 1200, false},
		{"map in a map", func(n int) []byte { return field(wide(n, []byte{0xc0})) }, 10, false},
		{"small maps", func(n int) []byte { return wide(n/20+1, field(str(9))) }, 4, false},
	} {
		for _, o := range []Options{{MaxBytes: limit}, {MaxBytes: limit, Format: FormatRaw, RawKey: "w", TimeKey: "t", TagKey: "tag"},
			{MaxBytes: limit, MetadataKey: "m"}, {MaxBytes: limit, Oversize: OversizeTruncate}} {
			if o.Oversize == OversizeTruncate && c.single {
				continue
			}
			e := newEncoder(t, o)
			event := func(n int) []byte {
				record := c.record(n)
				if o.MetadataKey != "" {
					return append(append([]byte("\x92\x92\x01"), record...), 0x80)
				}
				return eventOf(record)
			}
			var b Batch
			huge := event(40_000)
			e.Append(&b, append(huge, next...), "tag")
			var tooLarge *TooLargeError
			if len(b.Records) != 1 || len(b.Rejects) != 1 || !errors.As(b.Rejects[0].Err, &tooLarge) {
				t.Fatalf("%s, %+v: %d records, rejects %v", c.name, o, len(b.Records), b.Rejects)
			}
			if r := b.Rejects[0]; !tooLarge.GivenUp || tooLarge.Size != 4*limit || tooLarge.Limit != limit || r.Length != len(huge) || r.Record != (Span{}) {
				t.Errorf("%s, %+v: reject %+v", c.name, o, r)
			}
			if got := b.Size() - cap(b.Records)*recordBytes; got > 3*len(huge)/2+100*limit { // the first is what Append begins with
				t.Errorf("%s, %+v: %d bytes of memory", c.name, o, got)
			}
			b.Reset()
			large := event(2 * limit / c.factor)
			e.Append(&b, append(large, next...), "tag")
			if len(b.Rejects) == 0 { // a map of strings
				continue
			}
			if r := b.Rejects[0]; len(b.Records) != 1 || !errors.As(r.Err, &tooLarge) || tooLarge.GivenUp || tooLarge.Size != len(b.Bytes(r.Record)) {
				t.Errorf("%s, %+v: %d records, reject %+v", c.name, o, len(b.Records), r)
			}
		}
	}
}

// TestGiveUpThreshold: a record of exactly four times the limit is kept whole,
// also if most of it are the shortest entries.
func TestGiveUpThreshold(t *testing.T) {
	record := msgp.AppendMapHeader(nil, 91)
	for i := range 90 {
		record = append(msgp.AppendString(record, fmt.Sprint(i+10)), 1)
	}
	record = append(msgp.AppendString(record, "v"), 0xa2, 'x', 'x')
	var b Batch
	newEncoder(t, Options{MaxBytes: 160}).Append(&b, eventOf(record), "tag")
	var tooLarge *TooLargeError
	if len(b.Rejects) != 1 || !errors.As(b.Rejects[0].Err, &tooLarge) || tooLarge.GivenUp || tooLarge.Size != 640 {
		t.Errorf("%q, rejects %v", b.Buf, b.Rejects)
	}
}

// TestGiveUpGroup: the attributes of a group are not copied into a record for
// which they alone are too large.
func TestGiveUpGroup(t *testing.T) {
	group := msgp.AppendString([]byte(startHeader+"\x81\xa1v"), strings.Repeat("x", 100_000))
	var b Batch
	newEncoder(t, Options{MaxBytes: 100, GroupKey: "group"}).Append(&b, append(group, bytes.Repeat(eventOf([]byte{0x80}), 100)...), "tag")
	if len(b.Records) != 0 || len(b.Rejects) != 100 || len(b.Buf) != 0 || b.Size() > 500_000 {
		t.Errorf("%d bytes, %d records, %d rejects", b.Size(), len(b.Records), len(b.Rejects))
	}
}

// TestNothingGivenUp: a string of any size is cut if that makes a record, also in
// the tag and in the attributes of a group. Without a limit every record is
// encoded to its end, and so is a record in a group whose attributes are not
// wanted.
func TestNothingGivenUp(t *testing.T) {
	record := msgp.AppendString([]byte{0x81, 0xa1, 'v'}, strings.Repeat("x", 1_000_000))
	group := append([]byte(startHeader), record...)
	more := append(append([]byte{0x82}, record[1:]...), 0xa1, 'w', 0x91, 0x80)
	behind := append([]byte{0x82, 0x01, 0x01}, record[1:]...) // behind a key that is not a string
	short := msgp.AppendString([]byte{0x82, 0xa1, 'v'}, strings.Repeat("\x01", 250))
	empty := eventOf([]byte{0x81, 0xa1, 'v', 0x80})
	for _, c := range []struct {
		options Options
		chunk   []byte
		size    int
	}{
		{Options{MaxBytes: 100, Oversize: OversizeTruncate}, eventOf(record), 100},
		{Options{MaxBytes: 100, Oversize: OversizeTruncate}, eventOf(more), 100},
		{Options{MaxBytes: 100, Oversize: OversizeTruncate}, eventOf(behind), 100},
		{Options{MaxBytes: 100, Oversize: OversizeTruncate}, eventOf(append(short, 0xa1, 'w', 0x80)), 96}, // whole escapes
		{Options{MaxBytes: 100, Oversize: OversizeTruncate, TagKey: "tag"}, empty, 100},
		{Options{MaxBytes: 100, Oversize: OversizeTruncate, GroupKey: "group"}, append(group, empty...), 100},
		{Options{}, eventOf(record), len(`{"v":""}`) + 1_000_000},
		{Options{MaxBytes: 100}, append(append(eventOf([]byte{0x80}), group...), eventOf([]byte{0x80})...), len("{}{}")},
		{Options{MaxBytes: 100, Format: FormatRaw, RawKey: "v", Oversize: OversizeTruncate}, eventOf(record), 100},
	} {
		var b Batch
		newEncoder(t, c.options).Append(&b, c.chunk, strings.Repeat("t", 10_000))
		if len(b.Rejects) != 0 || len(b.Buf) != c.size {
			t.Errorf("%+v: %d bytes, rejects %v", c.options, len(b.Buf), b.Rejects)
		}
	}
}

// TestGivenUpIsTooLarge: a record that is given up could not have become one, cut
// or not, and every other result is the same as without giving up. The records
// are random, with strings of any length at any place and no key twice.
func TestGivenUpIsTooLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"x", "\x01", "\"", "é", "日本", "\xff", "a\n😀\\"}
	keys, left := 0, 0 // left: how many more values there may be
	var value func(depth int) any
	value = func(depth int) any {
		kind := r.IntN(10)
		switch left--; {
		case kind < 4 || depth > 4 || left < 0:
			s := strings.Repeat(texts[r.IntN(len(texts))], r.IntN(40))
			if r.IntN(4) == 0 {
				s = strings.Repeat(s, r.IntN(30))
			}
			if r.IntN(4) == 0 {
				return []byte(s)
			}
			return s
		case kind < 6:
			m := entries{}
			for n := r.IntN(6) * (1 + r.IntN(20)*r.IntN(2)); n > 0 && left > 0; n-- {
				keys++
				key := any(fmt.Sprint(keys))
				if r.IntN(20) == 0 {
					key = []any{keys, strings.Repeat("\"", r.IntN(500))}
				}
				m = append(m, struct{ key, value any }{key, value(depth + 1)})
				for n := 500 * (r.IntN(50) / 49); n > 0; n-- { // the shortest entries
					keys++
					m = append(m, struct{ key, value any }{fmt.Sprint(keys), 1})
				}
			}
			return m
		case kind < 8:
			list := []any{}
			for n := r.IntN(10) * (1 + r.IntN(20)*r.IntN(2)); n > 0 && left > 0; n-- {
				list = append(list, value(depth+1))
			}
			return list
		}
		return kind
	}
	var kept, cut, rejected, given int
	var got Batch // used for all chunks
	for range 250 {
		o := Options{MaxBytes: 40 + r.IntN(4000), Oversize: Oversize(r.IntN(2)), MetadataKey: "metadata", GroupKey: "group"}
		if r.IntN(2) == 0 {
			o.TagKey = "tag"
		}
		if r.IntN(4) == 0 {
			o.Format, o.RawKey = FormatRaw, fmt.Sprint(1+r.IntN(30))
		}
		keys, left = 0, r.IntN(200)
		tag := strings.Repeat("t", r.IntN(3000)*r.IntN(2))
		chunk := appendMsgpack(t, []byte(startHeader+"\x81\xa1v"), value(2))
		for range 3 {
			chunk = appendMsgpack(t, append(chunk, "\x92\x92\x01"...), value(2))
			chunk = appendMsgpack(t, chunk, value(1))
		}
		e, all := newEncoder(t, o), newEncoder(t, o)
		all.giveUpSize = noLimit
		var fresh, want Batch
		got.Reset()
		e.Append(&got, chunk, tag)
		e.Append(&fresh, chunk, tag)
		if fmt.Sprint(got.Rejects) != fmt.Sprint(fresh.Rejects) {
			t.Fatalf("%+v: rejects %v in a used batch, %v in a fresh one", o, got.Rejects, fresh.Rejects)
		}
		all.Append(&want, chunk, tag)
		if len(got.Records) != len(want.Records) || len(got.Rejects) != len(want.Rejects) {
			t.Fatalf("%+v: rejects %v, want %v", o, got.Rejects, want.Rejects)
		}
		for i, w := range want.Records {
			if g := got.Records[i]; !bytes.Equal(got.Bytes(g.Value), want.Bytes(w.Value)) {
				t.Fatalf("%+v: %s, want %s", o, got.Bytes(g.Value), want.Bytes(w.Value))
			}
			if kept++; bytes.HasSuffix(want.Bytes(w.Value), []byte(truncatedField+"}")) {
				cut++
			}
		}
		for i, w := range want.Rejects {
			rejected++
			var g, full *TooLargeError
			if !errors.As(w.Err, &full) || !errors.As(got.Rejects[i].Err, &g) {
				t.Fatalf("%+v: %v, want %v", o, got.Rejects[i], w)
			}
			if g.GivenUp {
				given++
			}
			if g.GivenUp && full.Size <= g.Size || !g.GivenUp && g.Size != full.Size || o.Oversize == OversizeReject && !g.GivenUp && full.Size > 20*o.MaxBytes+80_000 {
				t.Fatalf("%+v: %v, want %v", o, g, full)
			}
		}
	}
	if t.Logf("%d records, %d of them cut, %d rejects, %d of them given up", kept, cut, rejected, given); min(cut, given) < 30 {
		t.Error("too few of one kind")
	}
}

// TestRuneBoundary: a cut never splits a character, however small the limit.
func TestRuneBoundary(t *testing.T) {
	for _, c := range []struct {
		text        string
		limit, want int
	}{
		{"\u2028x", 0, 0}, {"\u2028x", 1, 0}, {"\u2028x", 2, 0}, {"\u2028x", 3, 3},
		{"a😀b", 1, 1}, {"a😀b", 2, 1}, {"a😀b", 3, 1}, {"a😀b", 4, 1}, {"a😀b", 5, 5},
		{"\x80\x80\x80\x80\x80\x80", 5, 5}, // invalid
	} {
		if got := runeBoundary([]byte(c.text), c.limit); got != c.want {
			t.Errorf("%q cut at %d: %d, want %d", c.text, c.limit, got, c.want)
		}
	}
}
