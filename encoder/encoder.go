// Package encoder turns the bytes of a Fluent Bit chunk into JSON records.
//
// A chunk is a run of msgpack events, [time, map] in the first layout and
// [[time, metadata], map] in the second (Fluent Bit 5.1.1,
// src/flb_log_event_decoder.c), or a run of objects of metrics or traces, in which
// each sample or span is an event. Every event ends either in [Batch.Records] or, with its offset and
// the reason, in [Batch.Rejects]: nothing is lost silently. The output is always
// valid JSON, also where Fluent Bit's own JSON is not (NaN, ext values, keys that
// are not strings, invalid UTF-8).
//
// The bytes of the input bound the output: see maxGrowth.
//
// The package knows neither Kafka nor SLS.
package encoder

import (
	"fmt"
	"math"
	"unsafe"
)

// maxGrowth bounds what an event becomes: its value, its key, its route and its
// JSON in Batch.Rejects together, or the attributes of the group it opens, take
// at most maxGrowth times the bytes of the event. Only two things are added to
// that, and they make the output of a chunk as large as the square of its size:
//   - what Options add to every event: the keys, the time, the tag, the attributes
//     of the event's group, and what of a Template is not of the record;
//   - what the samples of metrics, their buckets in a metricstore, or spans share.
//
// Therefore AppendSome ends between two events or two samples, and who calls it
// bounds the memory: nothing is rejected for what is added, unless the record is
// larger than Options.MaxBytes.
//
// The bound holds because each byte is escaped at most twice: once for its own
// string, and once more within a key that is a map or an array. Such a key may
// contain neither another one nor an ext as a key (see appendOtherKey). The inputs
// that grow the most:
//
//	d4 80 00     34 bytes for 3: {\"type\":-128,\"data\":\"AA==\"} and a comma, in
//	             an array that is a key
//	d4 80 00 c2  43 bytes for 4: false under that ext as its key
//	c2           6 bytes for 1: false and a comma
//	01           8 bytes for 1: \u0001, and as it is in the key and the route
const maxGrowth = 12

// Format selects what part of an event becomes the record value.
type Format uint8

const (
	// FormatJSON makes the whole event a JSON object.
	FormatJSON Format = iota
	// FormatRaw makes the value of Options.RawKey the whole record: a string or
	// binary value byte for byte, any other value as JSON. An event without that
	// key is encoded whole, as in FormatJSON.
	FormatRaw
)

// TimeFormat selects how Options.TimeKey shows the event time.
type TimeFormat uint8

const (
	// TimeISO8601 is a string in UTC with nine fraction digits.
	TimeISO8601 TimeFormat = iota
	// TimeEpoch is a number of seconds with all nine fraction digits.
	TimeEpoch
	// TimeEpochMillis is a whole number of milliseconds.
	TimeEpochMillis
	// TimeEpochNanos is a whole number of nanoseconds.
	TimeEpochNanos
)

// Oversize selects what happens to a record larger than Options.MaxBytes.
type Oversize uint8

const (
	// OversizeReject moves the record to Batch.Rejects. A record of more than
	// giveUpFactor times MaxBytes is not encoded to its end: its Reject has no
	// Record, and the error gives a size that the record exceeds.
	OversizeReject Oversize = iota
	// OversizeTruncate cuts the longest string value between two characters, so
	// that the record fits, and adds the first-level field "__truncated__":true,
	// which replaces a field of that name. A record that is one raw string gets no
	// field. If cutting that one string is not enough, the record is rejected, as
	// with OversizeReject.
	OversizeTruncate
)

// giveUpFactor times MaxBytes is the size at which the encoding of a record that
// will be rejected stops: a huge one would take maxGrowth times its size in memory.
// Most records that are too large are smaller and can be kept as JSON. Entries that
// are dropped in the end count, as does truncatedKey.
//
// With OversizeTruncate the longest string does not count, nor do the tag and the
// attributes of a group, which may contain it: what is left of the record is then
// larger than MaxBytes whatever is cut. Strings of less than 256 bytes are not
// compared with the longest; shortStringBytes is more than one of them takes.
const (
	giveUpFactor     = 4
	shortStringBytes = 2048
)

// noLimit is larger than any output. The length of an output can be added to it.
const noLimit = math.MaxInt / 2

// Options of an Encoder. The fields that TimeKey, RecordIDKey, TagKey, MetadataKey
// and GroupKey name come first in the record. A field of the same name in the event
// itself replaces that of TimeKey; those of the others it cannot: see guard.go.
type Options struct {
	Format     Format
	RawKey     string     // FormatRaw: the first-level key whose value is the record
	TimeKey    string     // adds the event time under this key, "": not added
	TimeFormat TimeFormat // how TimeKey shows it
	// TimeOverrides says that the event time replaces a field of the same name.
	TimeOverrides bool
	// ReplaceZeroTime gives an event of time 0 the time at which it was observed, by its
	// metadata, or the time of Begin.
	ReplaceZeroTime bool

	RecordIDKey string // adds an id, the same whenever the same chunk comes again, under this key, "": not added
	TagKey      string // adds the tag under this key, "": not added
	MetadataKey string // adds the event's metadata, if it has any, without credentials, under this key, "": not added
	GroupKey    string // adds the attributes of the event's OTLP group under this key, "": not added
	KeyField    string // the Template of Record.Key, cut to 1024 bytes, "": none
	RouteField  string // the same for Record.Route
	// MetricsRoute and TracesRoute are the Record.Route of all samples and spans, "": what
	// RouteField leads to.
	MetricsRoute, TracesRoute string

	MaxBytes  int      // largest record value in bytes, 0: no limit
	Oversize  Oversize // what happens to a larger record
	Metrics   MetricsFormat
	KeepDelta bool // MetricsStore: values that count since the sample before are kept as they are
	Reserved  ReservedKeys
}

// Span is a range of Batch.Buf. If Start == End, the value is absent or empty. Records
// may share the range of a key or a route.
type Span struct{ Start, End int }

// Record is one encoded event.
type Record struct {
	Value Span // the record value
	Key   Span // what Options.KeyField gives, unquoted
	Route Span // what Options.RouteField gives, unquoted
	Sec   int64
	Nsec  int32 // event time: Sec since 1970 UTC plus Nsec, 0 to 999999999
}

// Reject is a range of a chunk that could not become a record.
type Reject struct {
	Offset, Length int  // the range, in bytes of the chunk
	Count          int  // events or samples in it, 1 if that is unknown
	Record         Span // its JSON if it is too large and was encoded to its end, else empty
	Sec            int64
	Nsec           int32 // event time if it could be read, else 0
	Err            error // the reason: errors.Is ErrTooLarge, ErrMalformed, ErrTooDeep or ErrBroken
}

// Batch receives the records of chunks and keeps its memory for the next ones.
// The zero value is ready for use. A Batch must not be used concurrently.
type Batch struct {
	Buf     []byte // all values, keys and routes
	Records []Record
	Rejects []Reject

	// Reserved are the first-level keys that Options.Reserved matches and the records
	// without fields, whose key is the empty one.
	Reserved Noted
	// Overridden are those that did not land since an option adds a field of this name.
	Overridden Noted

	w walker
}

// Reset empties the batch and keeps its memory. Earlier spans become invalid.
func (b *Batch) Reset() {
	b.Buf = b.Buf[:0]
	b.Records = b.Records[:0]
	clear(b.Rejects) // the old errors can be collected
	b.Rejects = b.Rejects[:0]
	b.Reserved.reset()
	b.Overridden.reset()
}

// Bytes returns the bytes of s, which are valid until the next Append, AppendSome
// or Reset.
func (b *Batch) Bytes(s Span) []byte { return b.Buf[s.Start:s.End:s.End] }

// Size returns how many bytes of memory the batch holds, so that a pool can drop
// a batch that a huge chunk has enlarged.
func (b *Batch) Size() int {
	return cap(b.Buf) + cap(b.Records)*recordBytes + cap(b.Rejects)*rejectBytes + b.w.size()
}

const (
	recordBytes = int(unsafe.Sizeof(Record{}))
	rejectBytes = int(unsafe.Sizeof(Reject{}))
)

// Encoder encodes chunks. It is immutable and safe for concurrent use, if each
// goroutine has its own Batch.
type Encoder struct {
	opts        Options
	timeKey     addedKey
	recordIDKey addedKey
	tagKey      addedKey
	metadataKey addedKey
	groupKey    addedKey
	series      *Encoder // of the records of a metricstore; nil: of MetricsJSON
	giveUpSize  int      // bytes of a record beyond which its encoding stops
	giveUpErr   error    // the error of such a record
	addsFields  bool     // at least one of the five keys is wanted
	watches     []watch  // first-level fields whose offset is needed
	watchLens   uint64   // bit n: a watched name has n bytes (62: or more); reservesBit
	fillers     [templates]filler
	fills       bool // a template is wanted

	guarded     []*addedKey
	guardedSeen uint64 // their bits of keySet.seen

	reserves       bool      // Options.Reserved matches some keys
	reservedSecond [4]uint64 // a set of bytes: the second ones of the names
}

// New returns an encoder for the options, or an error that names the wrong
// option, the wrong character of an accessor, and what is allowed.
func New(o Options) (*Encoder, error) {
	e := &Encoder{opts: o, giveUpSize: noLimit}
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	if o.MaxBytes > 0 && o.MaxBytes < noLimit/giveUpFactor {
		e.giveUpSize = giveUpFactor * o.MaxBytes
		e.giveUpErr = &TooLargeError{Size: e.giveUpSize, Limit: o.MaxBytes, GivenUp: true}
		if o.Oversize == OversizeTruncate {
			e.giveUpSize += shortStringBytes
		}
	}
	e.timeKey, e.recordIDKey, e.tagKey = newAddedKey(o.TimeKey), newAddedKey(o.RecordIDKey), newAddedKey(o.TagKey)
	e.metadataKey, e.groupKey = newAddedKey(o.MetadataKey), newAddedKey(o.GroupKey)
	e.addsFields = e.timeKey.wanted() || e.recordIDKey.wanted() || e.tagKey.wanted() || e.metadataKey.wanted() || e.groupKey.wanted()
	e.guard(&e.recordIDKey, &e.tagKey, &e.metadataKey, &e.groupKey)
	if o.TimeOverrides {
		e.guard(&e.timeKey)
	}
	e.reserves = len(o.Reserved.Names) > 0 || o.Reserved.MaxBytes > 0
	if e.reserves {
		e.watchLens |= reservesBit
	}
	for _, name := range o.Reserved.Names {
		e.reservedSecond[name[1]>>6] |= 1 << (name[1] & 63)
	}
	if o.Format == FormatRaw {
		e.addWatch(o.RawKey) // rawWatch
	}
	for template, f := range [templates]struct{ option, text string }{keyTemplate: {"KeyField", o.KeyField}, routeTemplate: {"RouteField", o.RouteField}} {
		var err error
		if e.fillers[template], err = e.newFiller(f.text); err != nil {
			return nil, fmt.Errorf("encoder: %s %q: %w", f.option, f.text, err)
		}
		e.fills = e.fills || e.fillers[template].wanted()
	}
	if o.Metrics == MetricsStore {
		var err error
		if e.series, err = newSeriesEncoder(o); err != nil {
			return nil, err
		}
	}
	return e, nil
}
