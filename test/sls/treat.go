package sls

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reservedKeys are keys of fields that SLS keeps for itself.
// Source: Alibaba, "Reserved fields" and "Log".
var reservedKeys = []string{"__time__", "__source__", "__topic__", "__partition_time__", "_extract_others_", "__extract_others__"}

func isReserved(key string) bool {
	return slices.Contains(reservedKeys, key) || strings.HasPrefix(key, "__tag__:")
}

// treatRecords goes through a batch and says what is to become of it: refused with an error, or without the records of
// these numbers.
func (e *Endpoint) treatRecords(sent *sentBatch, now time.Time) (refused *kerr.Error, dropped []int, err error) {
	behaviour := &e.options.Behaviour
	oldest, newest := behaviour.window(now)
	_, topicJSON, _ := e.logstoreOf(sent.topic)
	i := 0
	err = eachRecord(e.decompressor, sent.raw, func(batch *kmsg.RecordBatch, r *kmsg.Record) {
		at := batch.FirstTimestamp + r.TimestampDelta64
		treatment, fault := Accept, kerr.InvalidRecord
		if at < oldest || at > newest {
			treatment, fault = behaviour.OutOfTime, kerr.InvalidTimestamp
		}
		if treatment == Accept && (topicJSON || behaviour.wantsJSON(r.Headers)) {
			treatment, fault = behaviour.Values.treat(r.Value), kerr.InvalidRecord
		}
		switch treatment {
		case Refuse:
			refused = fault
		case Drop:
			dropped = append(dropped, i)
		}
		i++
	})
	return refused, dropped, err
}

func (b *Behaviour) wantsJSON(headers []kmsg.Header) bool {
	return !b.IgnoreHeader && wantsJSON(headers)
}

// treat is what becomes of a value as a whole.
func (v *ValueBehaviour) treat(value []byte) Treatment {
	if !utf8.Valid(value) && v.BrokenUTF8 != Accept {
		return v.BrokenUTF8
	}
	fields, ok := jsonFields(value)
	if !ok {
		if json.Valid(value) {
			return v.NotAnObject
		}
		return v.NotJSON
	}
	if len(fields) == 0 {
		return v.EmptyObject
	}
	worst := Accept
	if v.MaxFields > 0 && len(fields) > v.MaxFields {
		return Refuse
	}
	for _, f := range fields {
		if t := v.ofField(f); t == Refuse || t == Drop {
			worst = t
		}
	}
	return worst
}

func (v *ValueBehaviour) ofField(f Field) Treatment {
	switch {
	case v.MaxKeyBytes > 0 && len(f.Key) > v.MaxKeyBytes:
		return v.LongKeys
	case v.MaxValueBytes > 0 && len(f.Value) > v.MaxValueBytes:
		return v.LongValues
	case isReserved(f.Key):
		return v.ReservedKeys
	}
	return Accept
}

// fields are those of a value whose JSON is expanded, as the behaviour has them; ok is false where it is not.
func (v *ValueBehaviour) fields(value []byte) (fields []Field, ok bool) {
	fields, ok = jsonFields(value)
	if !ok || *v == (ValueBehaviour{}) {
		return fields, ok
	}
	kinds := jsonKinds(value)
	var kept []Field
	for i, f := range fields {
		if i < len(kinds) { // the texts of JSON that are not strings
			kept = v.append(kept, f, kinds[i])
			continue
		}
		kept = append(kept, f)
	}
	return v.withoutDuplicates(kept), true
}

// append adds a field as the behaviour has it; kind is the first byte of its JSON.
func (v *ValueBehaviour) append(kept []Field, f Field, kind byte) []Field {
	switch {
	case v.ofField(f) == Cut && v.MaxValueBytes > 0 && len(f.Value) > v.MaxValueBytes:
		f.Value = f.Value[:v.MaxValueBytes]
	case v.ofField(f) == Cut:
		return kept
	case kind == 'n' && v.Null == "-":
		return kept
	case kind == 'n' && v.Null != "":
		f.Value = v.Null
	case kind == 't' && v.True != "":
		f.Value = v.True
	case kind == 'f' && v.False != "":
		f.Value = v.False
	case kind == '{' && v.Flatten:
		inner, _ := jsonFields([]byte(f.Value))
		for _, in := range inner {
			kept = append(kept, Field{f.Key + "." + in.Key, in.Value})
		}
		return kept
	case (kind == '-' || kind >= '0' && kind <= '9') && v.RoundNumber:
		if n, err := strconv.ParseFloat(f.Value, 64); err == nil {
			f.Value = strconv.FormatFloat(n, 'g', -1, 64)
		}
	}
	return append(kept, f)
}

// jsonKinds are the first bytes of the values of an object that jsonFields took.
func jsonKinds(value []byte) (kinds []byte) {
	rest := skipSpace(value)
	for rest = skipSpace(rest[1:]); rest[0] != '}'; rest = skipSpace(rest) {
		rest = skipSpace(bytes.TrimPrefix(rest, []byte(",")))
		rest = skipSpace(rest[stringEnd(rest):])
		rest = skipSpace(rest[1:])
		kinds = append(kinds, rest[0])
		rest = rest[valueEnd(rest):]
	}
	return kinds
}

func (v *ValueBehaviour) withoutDuplicates(fields []Field) []Field {
	if v.Duplicates == KeepAll {
		return fields
	}
	at := make(map[string]int)
	var kept []Field
	for _, f := range fields {
		i, again := at[f.Key]
		switch {
		case !again:
			at[f.Key] = len(kept)
			kept = append(kept, f)
		case v.Duplicates == KeepLast:
			kept[i] = f
		}
	}
	return kept
}
