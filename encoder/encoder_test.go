package encoder

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

func newEncoder(tb testing.TB, o Options) *Encoder {
	tb.Helper()
	e, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// eventOf returns an event of the second layout with the given msgpack as its
// record.
func eventOf(record []byte) []byte {
	return append(appendEventHeader(nil, 1_700_000_000, 123_456_789), record...)
}

// encodeOne encodes one event and returns its JSON.
func encodeOne(tb testing.TB, e *Encoder, record []byte) string {
	tb.Helper()
	var b Batch
	e.Append(&b, eventOf(record), "tag")
	if len(b.Records) != 1 || len(b.Rejects) != 0 {
		tb.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
	return string(b.Bytes(b.Records[0].Value))
}

// TestEventHeaders: the record is the same for every header without metadata,
// also if it is so short that the chunk ends soon.
func TestEventHeaders(t *testing.T) {
	t.Parallel()
	e := newEncoder(t, Options{TimeKey: "time", MetadataKey: "metadata"})
	const time = "\x65\x53\xf1\x00\x07\x5b\xcd\x15"
	for _, record := range []string{"\x80", "\x81\xa1a\x01", "\xdf\x00\x00\x00\x01\xa1a\xa3one"} {
		want := encodeOne(t, e, []byte(record))
		for _, header := range []string{
			"\x92\x92\xd7\x00" + time + "\x80", "\x92\x92\xd7\x00" + time + "\xde\x00\x00", "\x92\x92\xd7\x00" + time + "\xdf\x00\x00\x00\x00",
			"\x92\x92\xc7\x08\x00" + time + "\x80", "\x92\xdc\x00\x02\xd7\x00" + time + "\x80", "\x92\xd7\x00" + time,
		} {
			var b Batch
			e.Append(&b, []byte(header+record), "tag")
			if len(b.Records) != 1 || string(b.Bytes(b.Records[0].Value)) != want {
				t.Errorf("header % x, record % x: %q, rejects %v, want %s", header, record, b.Buf, b.Rejects, want)
			}
		}
	}
}

func TestNewRejects(t *testing.T) {
	f := func(o Options, want ...string) {
		t.Helper()
		_, err := New(o)
		if err == nil {
			t.Errorf("%+v: no error", o)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%+v: %q does not say %q", o, err, w)
			}
		}
	}
	f(Options{Format: 9}, "Format 9", "FormatRaw")
	f(Options{Format: FormatRaw}, "RawKey")
	f(Options{TimeFormat: 9}, "TimeFormat 9", "TimeEpochNanos")
	f(Options{Oversize: 9}, "Oversize 9", "OversizeTruncate")
	f(Options{MaxBytes: -1}, "MaxBytes is -1")
	f(Options{TimeKey: "t", TagKey: "t"}, "TimeKey and TagKey", `"t"`)
	f(Options{KeyField: "$a["}, "KeyField", `"$a["`, "character 3")
	f(Options{RouteField: "$tag"}, "RouteField", `"$tag"`, "in capitals")
	f(Options{Format: 9, MaxBytes: -1}, "Format 9", "MaxBytes is -1")
}

// TestWideMap: the last of equal keys wins in maps of every width around which
// the search for duplicates changes, and in maps within maps.
func TestWideMap(t *testing.T) {
	e := newEncoder(t, Options{TimeKey: "k0"})
	guarded := newEncoder(t, Options{TagKey: "k0", GroupKey: "k1"})
	for _, width := range []int{1, 2, 16, wideMap - addedFields, wideMap - addedFields + 1, wideMap, wideMap + 1, 1000, 40_000} {
		for _, distinct := range []int{width, width/2 + 1, 1} {
			record := msgp.AppendMapHeader(nil, uint32(width))
			last := map[string]int{}
			for i := range width {
				name := fmt.Sprintf("k%d", i%distinct)
				record = msgp.AppendString(record, name)
				record = msgp.AppendMapHeader(record, 2) // the same key twice inside
				record = msgp.AppendInt(msgp.AppendString(record, "x"), -1)
				record = msgp.AppendInt(msgp.AppendString(record, "x"), i)
				last[name] = i
			}
			var own map[string]json.RawMessage
			if err := json.Unmarshal([]byte(encodeOne(t, guarded, record)), &own); err != nil {
				t.Fatal(err)
			}
			if string(own["k0"]) != `"tag"` || own["k1"] != nil || len(own) != max(1, distinct-1) {
				t.Errorf("width %d, distinct %d: guarded are %s, %s, of %d entries", width, distinct, own["k0"], own["k1"], len(own))
			}
			text := encodeOne(t, e, record)
			var got map[string]struct{ X int }
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(text, `:{"x":`); n != distinct || len(got) != distinct {
				t.Errorf("width %d, distinct %d: %d entries", width, distinct, n)
			}
			for name, want := range last {
				if got[name].X != want {
					t.Errorf("width %d, distinct %d: %s is %d, want %d", width, distinct, name, got[name].X, want)
				}
			}
		}
	}
}

func TestTooLargeError(t *testing.T) {
	e := newEncoder(t, Options{MaxBytes: 10})
	var b Batch
	e.Append(&b, eventOf([]byte("\x81\xa1v\xa6abcdef")), "tag")
	if len(b.Records) != 0 || len(b.Rejects) != 1 {
		t.Fatalf("%d records, %d rejects", len(b.Records), len(b.Rejects))
	}
	r := b.Rejects[0]
	var tooLarge *TooLargeError
	if !errors.Is(r.Err, ErrTooLarge) || !errors.As(r.Err, &tooLarge) || tooLarge.Size != 14 || tooLarge.Limit != 10 {
		t.Errorf("error %v", r.Err)
	}
	if got := string(b.Bytes(r.Record)); got != `{"v":"abcdef"}` {
		t.Errorf("record %s", got)
	}
}

// TestBatchHoldsSeveralChunks: a batch takes several chunks, and can be used
// again after Reset.
func TestBatchHoldsSeveralChunks(t *testing.T) {
	e := newEncoder(t, Options{TagKey: "tag"})
	var b Batch
	for range 2 {
		for _, tag := range []string{"one", `t"wo`} {
			e.Append(&b, eventOf([]byte{0x80}), tag)
		}
		e.Append(&b, []byte{0x01}, "three")
		if len(b.Records) != 2 || len(b.Rejects) != 1 ||
			string(b.Bytes(b.Records[0].Value)) != `{"tag":"one"}` || string(b.Bytes(b.Records[1].Value)) != `{"tag":"t\"wo"}` {
			t.Fatalf("%s: %+v %+v", b.Buf, b.Records, b.Rejects)
		}
		b.Reset()
		if len(b.Buf) != 0 || len(b.Records) != 0 || len(b.Rejects) != 0 {
			t.Fatal("Reset leaves something")
		}
	}
}

// startHeader begins the marker of a group; its attributes follow.
const startHeader = "\x92\x92\xd7\x00\xff\xff\xff\xff\x00\x00\x00\x00\x81\xa6schema\xa4otlp"

// TestGroupEndsWithChunk: a group does not reach into the next chunk, and a
// rejected start ends the group before it.
func TestGroupEndsWithChunk(t *testing.T) {
	e := newEncoder(t, Options{GroupKey: "group"})
	start := append([]byte(startHeader), "\x81\xa1a\x01"...)
	var b Batch
	e.Append(&b, append(start, eventOf([]byte{0x80})...), "tag")
	e.Append(&b, eventOf([]byte{0x80}), "tag")
	deep := append([]byte(startHeader+"\x81\xa1a"), bytes.Repeat([]byte{0x91}, 200)...)
	e.Append(&b, append(append(start, append(deep, 0xc0)...), eventOf([]byte{0x80})...), "tag")
	var got []string
	for _, r := range b.Records {
		got = append(got, string(b.Bytes(r.Value)))
	}
	if want := `[{"group":{"a":1}} {} {}]`; fmt.Sprint(got) != want || len(b.Rejects) != 1 {
		t.Errorf("%v, rejects %v; want %s", got, b.Rejects, want)
	}
}

// TestConcurrent: goroutines share one encoder; each has its own batch.
func TestConcurrent(t *testing.T) {
	e := newEncoder(t, Options{TimeKey: "t", TagKey: "tag", KeyField: "host"})
	all := shapes(t, 64<<10)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			var first, b Batch
			s := all[i%len(all)]
			e.Append(&first, s.chunk, "tag")
			for range 5 {
				b.Reset()
				e.Append(&b, s.chunk, "tag")
				if !bytes.Equal(b.Buf, first.Buf) || len(b.Records) != s.count {
					t.Errorf("%s: another result", s.name)
				}
			}
		})
	}
	wg.Wait()
}

// TestNoAllocations: once its memory has grown, a batch takes a chunk without any
// allocation, whatever the options and the values.
func TestNoAllocations(t *testing.T) {
	odd := eventOf([]byte("\x86\xa8__time__\x01\xa1a\xa3\xff\xe4\xb8\x01\xc4\x02\xff\xfe\xc0\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\xa1a\xc7\x01\x05z\xa1n\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"))
	reserved := ReservedKeys{ReservedRename, []string{"__time__", "_e", "__tag__:"}, 128}
	all := append(shapes(t, 16<<10), shape{name: "odd", chunk: bytes.Repeat(odd, 50), count: 50})
	for name, o := range map[string]Options{
		"plain": {},
		"every": {TimeKey: "t", RecordIDKey: "id", TagKey: "tag", ReplaceZeroTime: true, Reserved: reserved, MetadataKey: "m", GroupKey: "g", KeyField: "host",
			RouteField: "$kubernetes['labels']['app']", MaxBytes: 1000, Oversize: OversizeTruncate},
		"tag": {KeyField: "$TAG[1]", RouteField: "k8s-$TAG[0]-$host"},
		"raw": {Format: FormatRaw, RawKey: "log", KeyField: "host"},
	} {
		e := newEncoder(t, o)
		for _, s := range all {
			var b Batch
			run := func() {
				b.Reset()
				e.Append(&b, s.chunk, "kube.app")
			}
			if allocs := testing.AllocsPerRun(10, run); allocs != 0 {
				t.Errorf("%s, %s: %v allocations for %d records", name, s.name, allocs, s.count)
			}
			if len(b.Records) != s.count {
				t.Errorf("%s, %s: %d records of %d, %v", name, s.name, len(b.Records), s.count, b.Rejects)
			}
		}
	}
}

// TestMarkerSeconds: an event whose nanoseconds carry its seconds up to those of
// a marker is an ordinary event.
func TestMarkerSeconds(t *testing.T) {
	e := newEncoder(t, Options{})
	var b Batch
	e.Append(&b, append(appendEventHeader(nil, groupEnd-1, 1_000_000_000), 0x80), "tag")
	e.Append(&b, append(appendEventHeader(nil, groupEnd-1, 2_000_000_000), 0x80), "tag")
	if len(b.Records) != 2 || b.Records[0].Sec != groupEnd || b.Records[1].Sec != groupStart {
		t.Errorf("%+v", b.Records)
	}
}

// TestZeroTime: an event without a time gets the time of its arrival, and so does a
// sample of metrics, if that is wanted.
func TestZeroTime(t *testing.T) {
	arrived := time.Unix(1_800_000_000, 5)
	sample := gauge(func(metric, _, _ object) { metric["values"] = []any{object{"ts": uint64(0), "value": 1.0}} })
	for _, chunk := range [][]byte{[]byte("\x92\x00\x80"), append([]byte("\x92\x92\xd7\x00"), make([]byte, 10)...), metricsChunk(t, sample)} {
		for wanted, sec := range map[bool]int64{true: 1_800_000_000, false: 0} {
			e := newEncoder(t, Options{ReplaceZeroTime: wanted})
			chunk := bytes.Clone(chunk)
			if chunk[0] == 0x92 && len(chunk) > 3 {
				chunk[12], chunk[13] = 0x80, 0x80
			}
			var b Batch
			e.Begin(&b, chunk, "tag", arrived)
			e.AppendSome(&b, chunk, Position{}, 1<<20)
			b.End()
			if len(b.Records) != 1 || b.Records[0].Sec != sec || (b.Records[0].Nsec == 5) != wanted {
				t.Errorf("%v: %+v, rejects %v", wanted, b.Records, b.Rejects)
			}
		}
	}
}

// TestRecordID: an id is the same whenever the chunk comes again, in one piece or in
// several, and no two events or samples of different chunks share one.
func TestRecordID(t *testing.T) {
	e := newEncoder(t, Options{RecordIDKey: "id"})
	seen := map[string]string{}
	event, samples := eventOf([]byte("\x81\xa1a\x01")), metricsChunk(t, gauge(func(_, _, _ object) {}), gauge(func(_, _, _ object) {}))
	twice := append(bytes.Clone(event), event...)
	for name, c := range map[string]struct {
		chunk []byte
		tag   string
		count int
	}{
		"event":              {event, "a", 1},
		"another tag":        {event, "b", 1},
		"the event twice":    {twice, "a", 2},
		"samples":            {samples, "a", 4},
		"samples and events": {append(bytes.Clone(samples), twice...), "a", 6},
		"another order":      {append(bytes.Clone(twice), samples...), "a", 6},
	} {
		for size := range 2 {
			var b Batch
			e.Append(&b, c.chunk, c.tag)
			if size == 0 {
				b.Reset()
				e.Begin(&b, c.chunk, c.tag, time.Unix(1, 0))
				for at := (Position{}); at.Offset < len(c.chunk); {
					at = e.AppendSome(&b, c.chunk, at, b.usedBytes()+1)
				}
				b.End()
			}
			if len(b.Records) != c.count {
				t.Fatalf("%s: %d records, rejects %v", name, len(b.Records), b.Rejects)
			}
			for i, r := range b.Records {
				var record struct{ ID string }
				if err := json.Unmarshal(b.Bytes(r.Value), &record); err != nil {
					t.Fatal(err)
				}
				place := fmt.Sprint(name, i)
				if was, ok := seen[record.ID]; len(record.ID) < 34 || ok != (size == 1) || ok && was != place {
					t.Errorf("%s: id %q, which is that of %q", place, record.ID, was)
				}
				seen[record.ID] = place
			}
		}
	}
	// Another process must come to the same, and another version.
	sum := sha256.Sum256(append([]byte{0, 0, 0, 0, 0, 0, 0, 1, 'a'}, twice...))
	var b Batch
	e.Append(&b, twice, "a")
	if got, want := string(b.Bytes(b.Records[1].Value)), fmt.Sprintf(`{"id":"%x-%d","a":1}`, sum[:16], len(event)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
