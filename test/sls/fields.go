package sls

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// contentField is where SLS puts a value it does not expand.
const contentField = "content"

// jsonFields expands a JSON object as SLS does: first-level keys become fields in the object's order, string values
// as they read, everything else (numbers, booleans, null, objects, arrays) as its JSON text, untouched. ok is false
// where the value is not exactly one JSON object.
//
// encoding/json decides what is JSON; the scan then has ends to find, no more, and costs far less than its tokens.
func jsonFields(value []byte) (fields []Field, ok bool) {
	rest := skipSpace(value)
	if len(rest) == 0 || rest[0] != '{' || !json.Valid(value) {
		return nil, false
	}
	for rest = skipSpace(rest[1:]); rest[0] != '}'; rest = skipSpace(rest) {
		if rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
		n := stringEnd(rest)
		key := text(rest[:n])
		rest = skipSpace(rest[n:])
		rest = skipSpace(rest[1:]) // the colon
		n = valueEnd(rest)
		fields = append(fields, Field{Key: key, Value: text(rest[:n])})
		rest = rest[n:]
	}
	return fields, true
}

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// stringEnd is the length of the JSON string that b begins with.
func stringEnd(b []byte) int {
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// valueEnd is the length of the JSON value that b, which is within an object, begins with.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of the object around a number or word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
}

// text is what a JSON string reads, or another value's JSON text.
func text(value []byte) string {
	if value[0] != '"' {
		return string(value)
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		panic(err) // it was found valid
	}
	return s
}
