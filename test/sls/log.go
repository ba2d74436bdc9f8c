package sls

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

// Log is one log as it stands in a logstore.
type Log struct {
	Logstore string
	Shard    int32
	Offset   int64     // place in the shard, in order of landing; both topics of the logstore count
	Time     time.Time // the record's timestamp, to the millisecond; SLS makes __time__ (seconds) of it
	Key      []byte    // the record's key as sent
	Value    []byte    // the record's value as sent

	json bool       // sent to the .json topic or with its header
	as   *Behaviour // nil: the zero one
}

// Field is one field of a log.
type Field struct{ Key, Value string }

// Fields are the log's fields as SLS stores them: with JSON expansion the first-level keys, in their order, else or
// where the value is not a JSON object the whole value in the field content. Decoded at every call.
func (l Log) Fields() []Field {
	as := l.as
	if as == nil {
		as = &Behaviour{}
	}
	if l.json && !as.NoExpansion {
		if fields, ok := as.Values.fields(l.Value); ok {
			return fields
		}
	}
	key := cmp.Or(as.ContentField, contentField)
	if as.KeyIsField && len(l.Key) > 0 {
		key = string(l.Key)
	}
	return []Field{{Key: key, Value: string(l.Value)}}
}

// AppendJSON appends the log as JSON: logstore, shard, __time__ in seconds as SLS has it, and the fields in their order,
// also such as appear twice.
func (l Log) AppendJSON(b []byte) []byte {
	b = append(b, `{"logstore":`...)
	b = appendString(b, l.Logstore)
	b = append(b, `,"shard":`...)
	b = strconv.AppendInt(b, int64(l.Shard), 10)
	b = append(b, `,"__time__":`...)
	b = strconv.AppendInt(b, l.Time.Unix(), 10)
	b = append(b, `,"fields":`...)
	b = AppendFields(b, l.Fields())
	return append(b, '}')
}

// MarshalJSON is AppendJSON for encoding/json.
func (l Log) MarshalJSON() ([]byte, error) { return l.AppendJSON(nil), nil }

// AppendFields appends fields as a JSON object in their order, also such as appear twice.
func AppendFields(b []byte, fields []Field) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, f.Key)
		b = append(b, ':')
		b = appendString(b, f.Value)
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	text := bytes.NewBuffer(b)
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false) // people read this
	if err := enc.Encode(s); err != nil {
		panic(err) // a string can always be encoded
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
