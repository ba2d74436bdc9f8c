package encoder

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// The forms of a template, written back piece by piece.
func TestParseTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"log":                     "field log",
		"a b['c']":                "field a b['c']",
		"a[b]":                    "field a[b]",
		"TAG":                     "field TAG",
		"$log":                    "field log",
		"$_a.b-9":                 "field _a.b-9",
		"$tags":                   "field tags",
		"$a['b'][0]":              "field a, b, 0",
		"$a['it''s'][12]":         "field a, it's, 12",
		"$a[''][']']":             "field a, , ]",
		"$a['$b']":                "field a, $b",
		"$TAG":                    "tag -1",
		"$TAG[0]":                 "tag 0",
		"$TAG[12]":                "tag 12",
		"$TAG['namespace']":       "tag -2",
		"$TAG['pod']":             "tag -3",
		"$TAG['container']":       "tag -4",
		"$TAGs":                   "tag -1; text s",
		"$TAG-logs":               "tag -1; text -logs",
		"k8s-$TAG['namespace']":   "text k8s-; tag -2",
		"k8s-$TAG[4]-logs":        "text k8s-; tag 4; text -logs",
		"$a$b":                    "field a; field b",
		"$a-b$TAG[1]$c['d']x y]$": "",
		"a$b c['d']":              "text a; field b; text  c['d']",
		"$a['b'].c":               "field a, b; text .c",
		"$kubernetes['labels']['app.kubernetes.io/name']": "field kubernetes, labels, app.kubernetes.io/name",
	} {
		parsed, err := ParseTemplate(text)
		if (err == nil) != (want != "") {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := parsed.describe(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func (t Template) describe() string {
	var all []string
	for _, p := range t.pieces {
		switch p.kind {
		case textPiece:
			all = append(all, "text "+p.text)
		case tagPiece:
			all = append(all, fmt.Sprint("tag ", int(p.part)))
		case fieldPiece:
			var steps []string
			for _, st := range p.steps {
				if st.isIndex {
					st.name = fmt.Sprint(st.index)
				}
				steps = append(steps, st.name)
			}
			all = append(all, "field "+strings.Join(steps, ", "))
		}
	}
	return strings.Join(all, "; ")
}

func TestParseTemplateFailure(t *testing.T) {
	many := ""
	for i := range maxAccessors + 1 {
		many += fmt.Sprintf("$TAG[%d]", i)
	}
	for text, want := range map[string]string{
		"":                                     "empty",
		"$":                                    "character 2: the name of a field is missing",
		"$['a']":                               "character 2: the name of a field is missing",
		"a$":                                   "character 3: the name of a field is missing",
		"$a$":                                  "character 4: the name of a field is missing",
		"$$a":                                  "character 2: the name of a field is missing",
		"$ä":                                   "character 2: the name of a field is missing",
		"$tag":                                 "character 2: the tag is $TAG, in capitals; the field of that name is tag, without $",
		"$Tag[1]":                              "character 2: the tag is $TAG, in capitals",
		"$0":                                   "character 2: matches of a regular expression",
		"kubernetes['namespace_name']":         "an accessor begins with $: write $kubernetes['namespace_name']",
		"list[0]":                              "an accessor begins with $: write $list[0]",
		"TAG[1]":                               "an accessor begins with $: write $TAG[1]",
		"TAG['namespace']":                     "an accessor begins with $: write $TAG['namespace']",
		"$a['b'":                               "character 3: this bracket does not hold a 'key' or a number and end in ]",
		"$a['b]":                               "character 3: this bracket",
		"$a[":                                  "character 3: this bracket",
		"$a[b]":                                "character 3: this bracket",
		`$a["b"]`:                              "character 3: this bracket",
		"$a[]":                                 "character 3: this bracket",
		"$a[-1]":                               "character 3: this bracket",
		"$a[01]":                               "character 3: this bracket",
		"$a[99999999999999999999]":             "character 3: this bracket",
		"$TAG[":                                "character 5: this bracket",
		"$TAG[x]":                              "character 5: this bracket",
		"$TAG[namespace]":                      "character 5: this bracket",
		"$TAG['Namespace']":                    "character 5: $TAG has a number, ['namespace'], ['pod'] or ['container']",
		"$TAG['']":                             "character 5: $TAG has a number",
		"$TAG[1][2]":                           "character 8: a part of the tag has no parts",
		"$TAG['pod'][0]":                       "character 12: a part of the tag has no parts",
		"$a['b']-$a['b']":                      "character 9: this accessor is there twice",
		"$TAG$TAG":                             "character 5: this accessor is there twice",
		many:                                   "more than 8 accessors",
		"$a" + strings.Repeat("[0]", maxDepth): "more than 128 steps",
	} {
		if _, err := ParseTemplate(text); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	//   {"a": {"b": [1, {"c": "x"}], "b": [nil, {"c": "y"}]}}
	chunk := []byte("\x81\xa1a\x82\xa1b\x92\x01\x81\xa1c\xa1x\xa1b\x92\xc0\x81\xa1c\xa1y")
	f := func(accessor string, want byte) {
		t.Helper()
		parsed, err := ParseTemplate(accessor)
		if err != nil {
			t.Fatal(err)
		}
		at := find(chunk, 0, parsed.pieces[0].steps)
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
