// Package encoder turns the bytes of a Fluent Bit chunk into JSON records.
//
// A chunk is a run of msgpack events, [time, map] in the first layout and
// [[time, metadata], map] in the second (Fluent Bit 5.1.1,
// src/flb_log_event_decoder.c); or it is a run of metrics, each sample of which
// is an event here. Every event of it ends either in
// [Batch.Records] or, with its offset and the reason, in [Batch.Rejects]:
// nothing is lost silently. What is written is always valid JSON, also where
// Fluent Bit's own JSON is not (NaN, ext values, keys that are no strings,
// invalid UTF-8).
//
// The output is bounded by the input: see maxGrowth.
//
// The package knows neither Kafka nor SLS.
package encoder

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// maxGrowth bounds what an event becomes: its value, its key, its route and its
// JSON in Batch.Rejects together, or the attributes of the group it opens, take
// at most maxGrowth times the bytes of the event. On top come only
//   - what Options add to every event: the keys, the time, the tag, and the
//     attributes of the event's group;
//   - what the samples of metrics share, which has a bound of its own
//     (metricsFactor).
//
// The bound holds because each byte is escaped at most twice: once for its own
// string, and once more within a key that is a map or an array. Such keys may
// not stand within each other (see appendOtherKey). The inputs that grow the most:
//
//	d4 80 00     28 bytes for 3: {"type":-128,"data":"AA=="} and a comma
//	d4 80 00 c2  56 bytes for 4: false under that ext as its key, in a map that
//	             is a key, so that each quote of the ext is \\\"
//	c2           6 bytes for 1: false and a comma
//	01           8 bytes for 1: \u0001, and as it is in the key and the route
const maxGrowth = 14

// Format says what of an event becomes the record value.
type Format uint8

const (
	// FormatJSON makes the whole event a JSON object.
	FormatJSON Format = iota
	// FormatRaw makes the value of Options.RawKey alone the record: a string
	// or binary value byte for byte, anything else as JSON. An event without
	// that key is encoded whole, as in FormatJSON.
	FormatRaw
)

// TimeFormat says how Options.TimeKey shows the event time.
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

// Oversize says what happens to a record larger than Options.MaxBytes.
type Oversize uint8

const (
	// OversizeReject moves the record to Batch.Rejects. A record of more than
	// giveUpFactor times MaxBytes is not written to its end: its Reject has no
	// Record, and the error says how large it is at least.
	OversizeReject Oversize = iota
	// OversizeTruncate cuts the longest string value on a rune boundary so
	// that the record fits, and adds the first-level field
	// "__truncated__":true, which replaces a field of that name. Where the
	// record is one raw string there is no field to add; where cutting that
	// one string is not enough the record is rejected, as with OversizeReject.
	OversizeTruncate
)

// giveUpFactor times MaxBytes is where a record that will be rejected is given
// up, so that a huge one does not take maxGrowth times its size in memory. Most
// records that are too large are smaller and can be kept as JSON. Entries that
// a later one of the same key replaces count, as does truncatedKey.
//
// With OversizeTruncate the longest string does not count, nor do the tag and
// the attributes of a group, which may hold it: what is left of a record is
// larger than MaxBytes whatever is cut. Strings of less than 256 bytes are not
// compared with the longest; shortStringBytes is more than one of them takes.
const (
	giveUpFactor     = 4
	shortStringBytes = 2048
)

// noLimit is larger than any output, and can be added to the length of one.
const noLimit = math.MaxInt / 2

// Options of an Encoder. The fields TimeKey, TagKey, MetadataKey and GroupKey
// name come first in the record; a field of the same name in the event
// itself wins over them.
type Options struct {
	Format      Format
	RawKey      string     // FormatRaw: the first-level key whose value alone is the record
	TimeKey     string     // adds the event time under this key, "" = not
	TimeFormat  TimeFormat // how TimeKey shows it
	TagKey      string     // adds the tag under this key, "" = not
	MetadataKey string     // adds the event's metadata under this key where there is any, "" = not
	GroupKey    string     // adds the attributes of the OTLP group the event stands in, "" = not
	KeyField    string     // record accessor or first-level name of the field that becomes Record.Key, "" = none
	RouteField  string     // the same for Record.Route
	MaxBytes    int        // largest record value in bytes, 0 = no limit
	Oversize    Oversize   // what happens to a larger one
}

// Span is a range of Batch.Buf. Start == End means absent.
type Span struct{ Start, End int }

// Record is one encoded event.
type Record struct {
	Value Span // the record value
	Key   Span // the value of Options.KeyField, unquoted
	Route Span // the value of Options.RouteField, unquoted
	Sec   int64
	Nsec  int32 // event time: Sec since 1970 UTC plus Nsec, 0 to 999999999
}

// Reject is a piece of a chunk that could not become a record.
type Reject struct {
	Offset, Length int  // where it stands in the chunk
	Record         Span // its JSON, where it is too large and was not given up, else empty
	Sec            int64
	Nsec           int32 // event time where it could be read, else 0
	Err            error // why: errors.Is ErrTooLarge, ErrMalformed, ErrTooDeep or ErrBroken
}

// Batch receives the records of chunks and keeps its memory for the next
// ones. The zero value is ready. A Batch must not be used concurrently.
type Batch struct {
	Buf     []byte // all values, keys and routes, back to back
	Records []Record
	Rejects []Reject

	w walker
}

// Reset empties the batch and keeps its memory. Spans taken before are void.
func (b *Batch) Reset() {
	b.Buf = b.Buf[:0]
	b.Records = b.Records[:0]
	clear(b.Rejects) // the errors in it may be garbage now
	b.Rejects = b.Rejects[:0]
}

// Bytes returns the bytes of s, valid until the next Append or Reset.
func (b *Batch) Bytes(s Span) []byte { return b.Buf[s.Start:s.End:s.End] }

// Size returns how many bytes of memory the batch holds on to, so that a pool
// can let go of one that a huge chunk has blown up.
func (b *Batch) Size() int {
	return cap(b.Buf) + cap(b.Records)*recordBytes + cap(b.Rejects)*rejectBytes + b.w.size()
}

const (
	recordBytes = int(unsafe.Sizeof(Record{}))
	rejectBytes = int(unsafe.Sizeof(Reject{}))
)

// Encoder encodes chunks. It is immutable and safe for concurrent use, each
// goroutine with a Batch of its own.
type Encoder struct {
	opts        Options
	timeKey     addedKey
	tagKey      addedKey
	metadataKey addedKey
	groupKey    addedKey
	giveUpSize  int     // bytes of a record beyond which it is given up
	giveUpErr   error   // what is said of it
	addsFields  bool    // any of them is wanted
	watches     []watch // first-level fields whose place is remembered
	watchLens   uint64  // bit n: a watched name is n bytes long (63: or longer)
	watchSteps  [watchSlotCount][]step
}

// New checks the options and returns an encoder for them. The error names
// the option, the place in a bad accessor, and what is allowed.
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
	e.timeKey, e.tagKey = newAddedKey(o.TimeKey), newAddedKey(o.TagKey)
	e.metadataKey, e.groupKey = newAddedKey(o.MetadataKey), newAddedKey(o.GroupKey)
	e.addsFields = e.timeKey.wanted() || e.tagKey.wanted() || e.metadataKey.wanted() || e.groupKey.wanted()
	if o.Format == FormatRaw {
		e.addWatch(watchRaw, []step{{name: o.RawKey}})
	}
	for _, f := range []struct {
		slot         watchSlot
		option, text string
	}{{watchKey, "KeyField", o.KeyField}, {watchRoute, "RouteField", o.RouteField}} {
		if f.text == "" {
			continue
		}
		steps, err := parseField(f.text)
		if err != nil {
			return nil, fmt.Errorf("encoder: %s: %w", f.option, err)
		}
		e.addWatch(f.slot, steps)
	}
	return e, nil
}

func checkOptions(o Options) error {
	var errs []error
	if o.Format > FormatRaw {
		errs = append(errs, fmt.Errorf("encoder: Format %d is unknown; allowed are FormatJSON and FormatRaw", o.Format))
	}
	if o.Format == FormatRaw && o.RawKey == "" {
		errs = append(errs, errors.New("encoder: FormatRaw needs RawKey, the name of the field that is the record"))
	}
	if o.TimeFormat > TimeEpochNanos {
		errs = append(errs, fmt.Errorf("encoder: TimeFormat %d is unknown; allowed are TimeISO8601, TimeEpoch, TimeEpochMillis and TimeEpochNanos", o.TimeFormat))
	}
	if o.Oversize > OversizeTruncate {
		errs = append(errs, fmt.Errorf("encoder: Oversize %d is unknown; allowed are OversizeReject and OversizeTruncate", o.Oversize))
	}
	if o.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("encoder: MaxBytes is %d; allowed are 0 (no limit) and more", o.MaxBytes))
	}
	added := []struct{ option, key string }{
		{"TimeKey", o.TimeKey}, {"TagKey", o.TagKey}, {"MetadataKey", o.MetadataKey}, {"GroupKey", o.GroupKey},
	}
	for i, a := range added {
		for _, b := range added[:i] {
			if a.key != "" && a.key == b.key {
				errs = append(errs, fmt.Errorf("encoder: %s and %s are both %q; each needs a name of its own", b.option, a.option, a.key))
			}
		}
	}
	return errors.Join(errs...)
}

// Append encodes every event of the chunk into b. The tag is used for
// Options.TagKey alone. It never panics, and the chunk is not kept: it may be
// memory of the caller that goes away.
func (e *Encoder) Append(b *Batch, chunk []byte, tag string) {
	e.Begin(b, chunk, tag)
	e.AppendSome(b, chunk, 0, math.MaxInt)
	b.End()
}

// Begin makes b ready for AppendSome, which takes a chunk in several steps, until
// End. In between b may be reset.
func (e *Encoder) Begin(b *Batch, chunk []byte, tag string) {
	b.w.open(e, tag)
	b.w.metric.budget = metricsAllowance + metricsFactor*len(chunk)
}

// AppendSome encodes the events of the chunk from the offset pos on, until b
// holds size bytes, and returns the offset of the next event. Records and
// rejects count as well as b.Buf: an event of one byte can be a reject, which
// adds nothing to b.Buf, and a raw record can be empty.
func (e *Encoder) AppendSome(b *Batch, chunk []byte, pos, size int) int {
	left := len(chunk) - pos
	if need := min(left+left/2, size); cap(b.Buf)-len(b.Buf) < need {
		b.Buf = slices.Grow(b.Buf, need)
	}
	for pos < len(chunk) && (b.usedBytes() < size || b.continuesReject(chunk, pos)) {
		pos = e.encodeEvent(b, chunk, pos)
	}
	return pos
}

// usedBytes returns how many bytes of memory the batch makes use of.
func (b *Batch) usedBytes() int {
	return len(b.Buf) + len(b.Records)*recordBytes + len(b.Rejects)*rejectBytes
}

// End lets go of the chunk that Begin was called for.
func (b *Batch) End() { b.w.close() }
