package sls

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
)

func TestFields(t *testing.T) {
	content := func(v string) []Field { return []Field{{"content", v}} }
	tests := []struct {
		name, value string
		json        bool
		want        []Field
	}{
		{"plain topic keeps JSON whole", `{"a":"b"}`, false, content(`{"a":"b"}`)},
		{"plain topic, text", `hello`, false, content(`hello`)},
		{"key order is the record's", `{"z":"1","a":"2","m":"3"}`, true, []Field{{"z", "1"}, {"a", "2"}, {"m", "3"}}},
		{"escapes are decoded", `{"a\t":"x\n\"y\" \u00e9 \ud83d\ude00"}`, true, []Field{{"a\t", "x\n\"y\" é 😀"}}},
		{"number text stays exact", `{"i":12345678901234567890,"f":1.50,"e":1E+2,"n":-0}`, true,
			[]Field{{"i", "12345678901234567890"}, {"f", "1.50"}, {"e", "1E+2"}, {"n", "-0"}}},
		{"booleans and null are text", `{"t":true,"f":false,"n":null}`, true, []Field{{"t", "true"}, {"f", "false"}, {"n", "null"}}},
		{"nested values are JSON text", `{"o": {"b": [1, 2.0], "a": "x"}, "l" : [ "y" ] }`, true,
			[]Field{{"o", `{"b": [1, 2.0], "a": "x"}`}, {"l", `[ "y" ]`}}},
		{"a key twice is two fields", `{"a":"1","a":"2"}`, true, []Field{{"a", "1"}, {"a", "2"}}},
		{"empty key and value", `{"":""}`, true, []Field{{"", ""}}},
		{"empty object has no fields", `{}`, true, nil},
		{"space around", " {\"a\":\"b\"}\n", true, []Field{{"a", "b"}}},
		{"array", `["a"]`, true, content(`["a"]`)},
		{"string", `"a"`, true, content(`"a"`)},
		{"number", `1`, true, content(`1`)},
		{"text", `hello`, true, content(`hello`)},
		{"nothing", ``, true, content(``)},
		{"cut off", `{"a":"b"`, true, content(`{"a":"b"`)},
		{"cut off in a value", `{"a":"b","c":`, true, content(`{"a":"b","c":`)},
		{"two objects", `{"a":"b"}{"c":"d"}`, true, content(`{"a":"b"}{"c":"d"}`)},
		{"text behind", `{"a":"b"} x`, true, content(`{"a":"b"} x`)},
		{"no quotes", `{a:"b"}`, true, content(`{a:"b"}`)},
		{"NaN", `{"a":NaN}`, true, content(`{"a":NaN}`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Log{Value: []byte(test.value), json: test.json}.Fields()
			if !slices.Equal(got, test.want) {
				t.Errorf("fields of %s: %q, want %q", test.value, got, test.want)
			}
		})
	}
}

// decodedFields is jsonFields by encoding/json's tokens.
func decodedFields(value []byte) (fields []Field, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(value))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, false
		}
		text := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, false
			}
		}
		fields = append(fields, Field{Key: key.(string), Value: text})
	}
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	_, err := dec.Token()
	return fields, errors.Is(err, io.EOF)
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, ` { } `, `{"a":1,"b":[{"c":"]"},"}"],"d":"\\\"","e":null}`, `{"a" : {"b":[]} , "c":-1.5e3 }`, `[1]`, `{"a":"\ud800"}`,
		"{\"\xff\":\"\xfe\"}", `{"a":1,}`, `{"a":1}{}`, `{"a":"}`, `{"a":1`, `{"a":tru}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, ok := jsonFields(value)
		want, wantOK := decodedFields(value)
		if ok != wantOK || ok && !slices.Equal(got, want) {
			t.Errorf("%q: %q, %t, want %q, %t", value, got, ok, want, wantOK)
		}
	})
}
