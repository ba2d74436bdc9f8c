package encoder

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestParseField(t *testing.T) {
	key := func(name string) step { return step{name: name} }
	index := func(i int) step { return step{index: i, isIndex: true} }
	f := func(text string, want ...step) {
		t.Helper()
		got, err := parseField(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
		if err := ValidAccessor(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	f("log", key("log"))
	f("a b['c']", key("a b['c']"))
	f("$log", key("log"))
	f("$_a.b-9", key("_a.b-9"))
	f("$a['b'][0]", key("a"), key("b"), index(0))
	f("$kubernetes['labels']['app.kubernetes.io/name']", key("kubernetes"), key("labels"), key("app.kubernetes.io/name"))
	f("$a['it''s'][12]", key("a"), key("it's"), index(12))
	f("$a[''][']']", key("a"), key(""), key("]"))
	f("$tags", key("tags"))
}

func TestParseFieldFailure(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		err := ValidAccessor(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "$kubernetes['labels']['app']") {
			t.Errorf("%q: %v; want %q and an example", text, err, want)
		}
	}
	f("", "empty")
	f("$", "character 2: the name of a field is missing")
	f("$['a']", "character 2: the name of a field is missing")
	f("$TAG", "$TAG is not supported")
	f("$tag[1]", "$TAG is not supported")
	f("$0", "regular expression")
	f("$a b", "character 3: unexpected ' '")
	f("$a['b'", "character 3: this bracket")
	f("$a['b]", "character 3")
	f("$a[b]", "character 3")
	f(`$a["b"]`, "character 3")
	f("$a[]", "character 3")
	f("$a[-1]", "character 3")
	f("$a[01]", "character 3")
	f("$a[99999999999999999999]", "character 3")
	f("$a['b']x", "character 8: unexpected 'x'")
	f("$a['b'].c", "character 8: unexpected '.'")
	f("$a"+strings.Repeat("[0]", maxDepth), "more than 128 steps")
}

func TestFind(t *testing.T) {
	//   {"a": {"b": [1, {"c": "x"}], "b": [nil, {"c": "y"}]}}
	chunk := []byte("\x81\xa1a\x82\xa1b\x92\x01\x81\xa1c\xa1x\xa1b\x92\xc0\x81\xa1c\xa1y")
	f := func(accessor string, want byte) {
		t.Helper()
		steps, err := parseField(accessor)
		if err != nil {
			t.Fatal(err)
		}
		at := find(chunk, 0, steps)
		if want == 0 && at >= 0 || want != 0 && (at < 0 || chunk[at] != want) {
			t.Errorf("%s: offset %d", accessor, at)
		}
	}
	f("$a", 0x82)
	f("$a['b']", 0x92)
	f("$a['b'][0]", 0xc0)
	f("$a['b'][1]", 0x81)
	f("$a['b'][1]['c']", 0xa1)
	f("$a['b'][2]", 0)
	f("$a[0]", 0)
	f("$a['c']", 0)
	f("$b", 0)
	f("$a['b']['c']", 0)
}

// TestLongFields: a key and a route are cut between two characters, whatever becomes
// of the value.
func TestLongFields(t *testing.T) {
	record := msgp.AppendString([]byte{0x82, 0xa1, 'k'}, strings.Repeat("é", 1_000_000))
	record = append(record, 0xa1, 'r')
	record = msgp.AppendBytes(record, bytes.Repeat([]byte("日"), 1000))
	for _, o := range []Options{{}, {MaxBytes: 5000, Oversize: OversizeTruncate}, {Format: FormatRaw, RawKey: "x"}} {
		o.KeyField, o.RouteField = "k", "r"
		var b Batch
		newEncoder(t, o).Append(&b, eventOf(record), "tag")
		key, route := string(b.Bytes(b.Records[0].Key)), string(b.Bytes(b.Records[0].Route))
		if key != strings.Repeat("é", maxFieldBytes/2) || route != strings.Repeat("日", maxFieldBytes/3) {
			t.Errorf("%+v: %d bytes of key, %d of route", o, len(key), len(route))
		}
	}
}
