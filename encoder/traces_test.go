package encoder

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// capturedTraces returns the chunk of Fluent Bit in the golden file.
func capturedTraces(tb testing.TB) []byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/golden/traces_otlp.txt")
	if err != nil {
		tb.Fatal(err)
	}
	_, _, _, chunk := parseGolden(new(testing.T), string(text))
	return chunk
}

// tracesChunk returns an object with one resource, one scope and the given spans.
func tracesChunk(tb testing.TB, spans ...any) []byte {
	tb.Helper()
	return tracesOf(tb, object{"resource": object{"attributes": object{"service.name": "shop", "os": "linux"}},
		"scope_spans": []any{object{"scope": object{"name": "lib", "version": "1"}, "spans": spans}}})
}

func tracesOf(tb testing.TB, resources ...any) []byte {
	tb.Helper()
	chunk, err := msgp.AppendIntf(nil, object{"resourceSpans": resources})
	if err != nil {
		tb.Fatal(err)
	}
	return chunk
}

// spanOf returns a span with these values changed; nil takes one out.
func spanOf(change object) object {
	s := object{"trace_id": "0af7", "span_id": "b7ad", "parent_span_id": nil, "trace_state": nil, "name": "get", "kind": 3,
		"start_time_unix_nano": uint64(1_700_000_000_000_001_999), "end_time_unix_nano": uint64(1_700_000_001_000_002_000),
		"attributes": object{}, "events": []any{}, "links": []any{}, "status": object{"code": 0, "message": nil}}
	for k, v := range change {
		if s[k] = v; v == nil {
			delete(s, k)
		}
	}
	return s
}

func decodeSpans(t *testing.T, b *Batch) (spans []object) {
	t.Helper()
	for _, r := range b.Records {
		var got object
		if err := json.Unmarshal(b.Bytes(r.Value), &got); err != nil {
			t.Fatal(err)
		}
		spans = append(spans, got)
	}
	return spans
}

// TestTracesFields: each value of a span has its field, and what is absent is empty.
func TestTracesFields(t *testing.T) {
	plain := object{"host": "", "service": "shop", "resource": object{"os": "linux"}, "otlp.name": "lib", "otlp.version": "1",
		"name": "get", "kind": "client", "traceID": "0af7", "spanID": "b7ad", "parentSpanID": "", "links": []any{}, "logs": []any{}, "traceState": "",
		"start": 1_700_000_000_000_001.0, "end": 1_700_000_001_000_002.0, "duration": 1_000_000.0, "attribute": object{}, "statusCode": "UNSET", "statusMessage": ""}
	for name, c := range map[string]struct{ change, want object }{
		"plain":                {object{}, object{}},
		"nothing but ids":      {object{"name": nil, "kind": nil, "attributes": nil, "events": nil, "links": nil, "status": nil}, object{"name": "", "kind": ""}},
		"parent and state":     {object{"parent_span_id": "00f0", "trace_state": "a=b"}, object{"parentSpanID": "00f0", "traceState": "a=b"}},
		"internal":             {object{"kind": 1}, object{"kind": "internal"}},
		"server":               {object{"kind": 2}, object{"kind": "server"}},
		"producer":             {object{"kind": 4}, object{"kind": "producer"}},
		"consumer":             {object{"kind": 5}, object{"kind": "consumer"}},
		"unknown kind":         {object{"kind": 6}, object{"kind": ""}},
		"negative kind":        {object{"kind": -1}, object{"kind": ""}},
		"ok":                   {object{"status": object{"code": 1, "message": ""}}, object{"statusCode": "OK"}},
		"error":                {object{"status": object{"code": 2, "message": "broke"}}, object{"statusCode": "ERROR", "statusMessage": "broke"}},
		"unknown status":       {object{"status": object{"code": 3}}, object{}},
		"not ended":            {object{"end_time_unix_nano": uint64(0)}, object{"end": 1_700_000_000_000_001.0, "duration": 0.0}},
		"ends before it began": {object{"end_time_unix_nano": uint64(5)}, object{"end": 1_700_000_000_000_001.0, "duration": 0.0}},
		"attributes": {object{"attributes": object{"a": "b", "n": 1, "l": []any{1, "x"}, "m": object{"k": true}}},
			object{"attribute": object{"a": "b", "n": 1.0, "l": []any{1.0, "x"}, "m": object{"k": true}}}},
		"events": {object{"events": []any{object{"name": "e", "time_unix_nano": uint64(7), "attributes": object{"a": 1}}, object{"time_unix_nano": uint64(8)}}},
			object{"logs": []any{object{"name": "e", "time": 7.0, "attribute": object{"a": 1.0}}, object{"name": "", "time": 8.0, "attribute": object{}}}}},
		"links": {object{"links": []any{object{"trace_id": "1", "span_id": "2", "trace_state": "s", "attributes": object{"a": 1}}, object{"trace_id": "3", "span_id": nil, "trace_state": nil}}},
			object{"links": []any{object{"traceID": "1", "spanID": "2", "traceState": "s", "attribute": object{"a": 1.0}}, object{"traceID": "3", "spanID": "", "attribute": object{}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			want := object{}
			for _, from := range []object{plain, c.want} {
				for k, v := range from {
					want[k] = v
				}
			}
			var b Batch
			newEncoder(t, Options{}).Append(&b, tracesChunk(t, spanOf(c.change)), "tag")
			spans := decodeSpans(t, &b)
			if len(spans) != 1 || len(b.Rejects) != 0 || !reflect.DeepEqual(spans[0], want) {
				t.Fatalf("%s, rejects %v\nwant %v", b.Buf, b.Rejects, want)
			}
			if end := int64(want["end"].(float64)); b.Records[0].Sec != end/1e6 {
				t.Errorf("time %d, end %d", b.Records[0].Sec, end)
			}
		})
	}
}

// TestTracesResource: host and service are no attributes of the resource any more, and
// spans have what their own resource and scope have.
func TestTracesResource(t *testing.T) {
	chunk := tracesOf(t,
		object{"resource": object{"attributes": object{"host.name": "node", "service.name": 7, "a": "b"}}, "scope_spans": []any{
			object{"scope": nil, "spans": []any{spanOf(nil)}}, object{"scope": object{}, "spans": []any{}},
			object{"scope": object{"name": "x", "version": nil}, "spans": []any{spanOf(nil), spanOf(nil)}}}},
		object{"resource": object{"attributes": nil}, "scope_spans": []any{}},
		object{"scope_spans": []any{object{"scope": object{"name": "y"}, "spans": []any{spanOf(nil)}}}})
	var b Batch
	newEncoder(t, Options{}).Append(&b, chunk, "tag")
	first := object{"host": "node", "service": 7.0, "resource": object{"a": "b"}, "otlp.name": "", "otlp.version": ""}
	second := object{"host": "node", "service": 7.0, "resource": object{"a": "b"}, "otlp.name": "x", "otlp.version": ""}
	last := object{"host": "", "service": "", "resource": object{}, "otlp.name": "y", "otlp.version": ""}
	spans := decodeSpans(t, &b)
	if len(spans) != 4 || len(b.Rejects) != 0 {
		t.Fatalf("%d spans, rejects %v", len(spans), b.Rejects)
	}
	for i, want := range []object{first, second, second, last} {
		for k, v := range want {
			if !reflect.DeepEqual(spans[i][k], v) {
				t.Errorf("span %d: %s is %v, want %v", i, k, spans[i][k], v)
			}
		}
	}
}

// TestTracesMalformed: a fault costs the span, the scope or the resource that has it, and
// each span of that counts as rejected.
func TestTracesMalformed(t *testing.T) {
	good := spanOf(nil)
	for name, change := range map[string]object{
		"no trace id": {"trace_id": nil}, "trace id no text": {"trace_id": 1}, "no span id": {"span_id": nil}, "parent no text": {"parent_span_id": 1},
		"no start": {"start_time_unix_nano": nil}, "end no number": {"end_time_unix_nano": "1"}, "end beyond 2106": {"end_time_unix_nano": uint64(1 << 63)},
		"name no text": {"name": 1}, "state no text": {"trace_state": object{}}, "attributes no map": {"attributes": []any{}},
		"events no list": {"events": object{}}, "event no map": {"events": []any{1}}, "event without time": {"events": []any{object{"name": "e"}}},
		"event's name no text": {"events": []any{object{"name": 1, "time_unix_nano": 1}}}, "event's attributes no map": {"events": []any{object{"time_unix_nano": 1, "attributes": 1}}},
		"links no list": {"links": 1}, "link without ids": {"links": []any{object{"trace_id": "1"}}}, "link's state no text": {"links": []any{object{"trace_id": "1", "span_id": "1", "trace_state": 1}}},
		"link's attributes no map": {"links": []any{object{"trace_id": "1", "span_id": "1", "attributes": "x"}}},
		"status no map":            {"status": 1}, "message no text": {"status": object{"message": 1}},
	} {
		var b Batch
		newEncoder(t, Options{}).Append(&b, tracesChunk(t, good, spanOf(change), good), "tag")
		if len(b.Records) != 2 || len(b.Rejects) != 1 || b.Rejects[0].Count != 1 || !errors.Is(b.Rejects[0].Err, ErrMalformed) {
			t.Errorf("%s: %d records, rejects %+v", name, len(b.Records), b.Rejects)
		}
	}
	scope := func(s any, spans any) object { return object{"scope": s, "spans": spans} }
	three := []any{good, good, good}
	for name, c := range map[string]struct {
		resource any
		lost     int
	}{
		"span no map":          {object{"scope_spans": []any{scope(nil, []any{1})}}, 1},
		"scope no map":         {object{"scope_spans": []any{1}}, 1},
		"no spans":             {object{"scope_spans": []any{scope(nil, nil)}}, 1},
		"no scope":             {object{"scope_spans": []any{object{"spans": three}}}, 3},
		"scope's name no text": {object{"scope_spans": []any{scope(object{"name": 1}, three)}}, 3},
		"no scopes":            {object{}, 1},
		"resource no map":      {"x", 1},
		"attributes no map":    {object{"resource": object{"attributes": 1}, "scope_spans": []any{scope(nil, three), scope(nil, three)}}, 6},
	} {
		fine := object{"scope_spans": []any{scope(nil, []any{good})}}
		var b Batch
		newEncoder(t, Options{}).Append(&b, tracesOf(t, fine, c.resource, fine), "tag")
		if len(b.Records) != 2 || len(b.Rejects) != 1 || b.Rejects[0].Count != c.lost || !errors.Is(b.Rejects[0].Err, ErrMalformed) {
			t.Errorf("%s: %d records, rejects %+v", name, len(b.Records), b.Rejects)
		}
	}
}

// TestKindOf: chunks of logs, metrics and traces are known by their bytes, also
// where one has in it what the others are known by.
func TestKindOf(t *testing.T) {
	field := func(name string) []byte { // a record {name: [{…}]}
		record, err := msgp.AppendIntf(nil, object{name: []any{object{}}})
		if err != nil {
			t.Fatal(err)
		}
		return record
	}
	for name, c := range map[string]struct {
		chunk []byte
		want  Kind
	}{
		"empty":                       {nil, KindLogs},
		"a log":                       {eventOf([]byte("\x81\xa1a\x01")), KindLogs},
		"a log of the old layout":     {[]byte("\x92\x01\x81\xa1a\x01"), KindLogs},
		"a log that has metrics":      {eventOf(field("metrics")), KindLogs},
		"a log that has spans":        {eventOf(field("resourceSpans")), KindLogs},
		"logs in an array16":          {[]byte("\xdc\x00\x02\x01\x80"), KindLogs},
		"metrics":                     {metricsChunk(t, gauge(func(_, _, _ object) {})), KindMetrics},
		"no metrics":                  {metricsChunk(t), KindMetrics},
		"metrics that have spans":     {objectOf(t, object{"resourceSpans": []any{}}, object{"resourceSpans": []any{1}}, nil), KindMetrics},
		"traces":                      {capturedTraces(t), KindTraces},
		"no traces":                   {tracesOf(t), KindTraces},
		"traces that have metrics":    {tracesOf(t, object{"metrics": []any{}, "resource": object{"attributes": object{"metrics": []any{}}}}), KindTraces},
		"a map":                       {[]byte("\x80"), KindLogs},
		"a map with metrics no list":  {[]byte("\x81\xa7metrics\x80"), KindLogs},
		"traces that are cut":         {capturedTraces(t)[:500], KindLogs},
		"a number":                    {[]byte{1}, KindLogs},
		"a byte that begins nothing":  {[]byte{0xc1}, KindLogs},
		"profiles, which nobody asks": {[]byte("\x81\xb0resourceProfiles\x90"), KindLogs},
	} {
		if got := KindOf(c.chunk); got != c.want {
			t.Errorf("%s: kind %d, want %d", name, got, c.want)
		}
	}
	for name, chunk := range capturedMetrics(t) {
		if got := KindOf(chunk); got != KindMetrics {
			t.Errorf("%s: kind %d", name, got)
		}
	}
}

// TestTracesAmongOthers: logs, metrics and traces leave nothing behind for each other in
// the same batch, and each has its route.
func TestTracesAmongOthers(t *testing.T) {
	e := newEncoder(t, Options{GroupKey: "g", RouteField: "r", MetricsRoute: "the-metrics", TracesRoute: "the-traces"})
	log := eventOf([]byte("\x81\xa1r\xa1x"))
	metrics, traces := metricsChunk(t, gauge(func(_, _, _ object) {})), capturedTraces(t)
	var b Batch
	for range 2 {
		b.Reset()
		e.Append(&b, log, "a")
		e.Append(&b, bytes.Join([][]byte{traces, metrics, log, traces}, nil), "b")
		e.Append(&b, metrics, "c")
		e.Append(&b, log, "d")
		if len(b.Records) != 1+3+2+1+3+2+1 || len(b.Rejects) != 0 {
			t.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
		}
		for i, r := range b.Records {
			want := map[int]string{0: "x", 6: "x", 12: "x", 4: "the-metrics", 5: "the-metrics", 10: "the-metrics", 11: "the-metrics"}[i]
			if want == "" {
				want = "the-traces"
			}
			if got := string(b.Bytes(r.Route)); got != want {
				t.Errorf("record %d: route %q, want %q", i, got, want)
			}
		}
		if got := string(b.Bytes(b.Records[6].Value)); got != `{"r":"x"}` {
			t.Error(got)
		}
	}
	if n := strings.Count(string(b.Buf), "the-traces"); n != 2 {
		t.Errorf("the route is written %d times", n)
	}
}

// TestTracesCut: a whole object is encoded, and the rest is one reject.
func TestTracesCut(t *testing.T) {
	e, chunk := newEncoder(t, Options{}), capturedTraces(t)
	for cut := range chunk[1:] {
		var b Batch
		e.Append(&b, append(bytes.Clone(chunk), chunk[:cut+1]...), "tag")
		if len(b.Records) != 3 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrBroken) ||
			b.Rejects[0].Offset != len(chunk) || b.Rejects[0].Length != cut+1 {
			t.Fatalf("cut at %d: %d records, rejects %v", cut+1, len(b.Records), b.Rejects)
		}
	}
}

// TestTracesOptions: options mean for a span what they mean for a log record.
func TestTracesOptions(t *testing.T) {
	e := newEncoder(t, Options{TagKey: "tag", TimeKey: "at", RecordIDKey: "id", KeyField: "traceID", RouteField: "$attribute['team']", MaxBytes: 700})
	team, long := spanOf(object{"attributes": object{"team": "a"}}), spanOf(object{"name": strings.Repeat("n", 1000)})
	var b Batch
	e.Append(&b, tracesChunk(t, team, long, team), "tag")
	if len(b.Records) != 2 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooLarge) {
		t.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
	r := b.Records[0]
	if !strings.HasPrefix(string(b.Bytes(r.Value)), `{"at":"2023-11-14T22:13:21.000002000Z","id":"`) || string(b.Bytes(r.Key)) != "0af7" || string(b.Bytes(r.Route)) != "a" {
		t.Errorf("%s, key %s, route %s", b.Bytes(r.Value), b.Bytes(r.Key), b.Bytes(r.Route))
	}
	if spans := decodeSpans(t, &b); spans[0]["id"] == spans[1]["id"] {
		t.Error("two spans have one id")
	}
	e = newEncoder(t, Options{MaxBytes: 700, Oversize: OversizeTruncate})
	b.Reset()
	e.Append(&b, tracesChunk(t, long), "tag")
	if len(b.Records) != 1 || len(b.Buf) != 700 {
		t.Errorf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
}

// TestTracesSteps: a step ends after the span that fills it, and soon also if spans are
// rejected, or have a resource that no record can hold.
func TestTracesSteps(t *testing.T) {
	const spans, size, shared = 200, 64 << 10, 100_000
	for name, c := range map[string]struct {
		span    object
		options Options
		records int
		steps   int
	}{
		"good":      {spanOf(nil), Options{}, spans, spans},
		"bad":       {spanOf(object{"links": 1}), Options{}, 0, 1},
		"too large": {spanOf(nil), Options{MaxBytes: 40_000}, 0, spans},
		"cut":       {spanOf(nil), Options{MaxBytes: 1000, Oversize: OversizeTruncate}, spans, 1},
		"hopeless":  {spanOf(nil), Options{MaxBytes: 1000}, 0, 1},
	} {
		values := make([]any, spans)
		for i := range values {
			values[i] = c.span
		}
		chunk := tracesOf(t, object{"resource": object{"attributes": object{"x": strings.Repeat("s", shared)}},
			"scope_spans": []any{object{"scope": nil, "spans": values}}})
		e := newEncoder(t, c.options)
		var b Batch
		e.Begin(&b, chunk, "tag", time.Time{})
		records, rejects, steps := 0, 0, 0
		for at := (Position{}); at.Offset < len(chunk); steps++ {
			b.Reset()
			at = e.AppendSome(&b, chunk, at, size)
			records, rejects = records+len(b.Records), rejects+len(b.Rejects)
			if len(b.Buf) > size+shared+1000 {
				t.Fatalf("%s: a step of %d bytes", name, len(b.Buf))
			}
		}
		b.End()
		if records != c.records || rejects != spans-c.records || steps < c.steps {
			t.Errorf("%s: %d records, %d rejects, %d steps", name, records, rejects, steps)
		}
	}
}

// TestTracesNoAllocations: encoding spans allocates nothing, like encoding logs.
func TestTracesNoAllocations(t *testing.T) {
	e := newEncoder(t, Options{TimeKey: "t", TagKey: "tag", GroupKey: "g", KeyField: "traceID", TracesRoute: "traces", MaxBytes: 10_000})
	chunk := capturedTraces(t)
	var b Batch
	run := func() {
		b.Reset()
		if KindOf(chunk) != KindTraces {
			t.Fatal("no traces")
		}
		e.Append(&b, chunk, "kube.app")
	}
	if allocs := testing.AllocsPerRun(10, run); allocs != 0 || len(b.Records) != 3 {
		t.Errorf("%v allocations for %d records", allocs, len(b.Records))
	}
}

// FuzzTraces: what FuzzMetrics says of metrics. A step, which is a span, takes at most
// maxGrowth times the chunk in addition to what the options add.
func FuzzTraces(f *testing.F) {
	for _, pick := range []uint16{0, 1, 0x7e, 0xf2, 0x1fe} {
		f.Add(capturedTraces(f), pick)
		f.Add(tracesChunk(f, spanOf(nil), spanOf(object{"links": 1}), spanOf(object{"events": []any{object{"time_unix_nano": 1}}})), pick)
	}
	f.Fuzz(func(t *testing.T, chunk []byte, pick uint16) {
		o := fuzzOptions(pick)
		if pick&16384 != 0 {
			o.TracesRoute = "traces"
		}
		e := newEncoder(t, o)
		chunk = bytes.Clone(chunk)[:len(chunk):len(chunk)]
		var b Batch
		e.Append(&b, chunk, "tag")
		checkBatch(t, e, &b)
		end := 0
		for _, r := range b.Rejects {
			if r.Offset < end || r.Offset+r.Length > len(chunk) || r.Count < 1 {
				t.Fatalf("reject %+v, the one before ends at %d, the chunk at %d", r, end, len(chunk))
			}
			end = r.Offset + r.Length
		}
		for _, r := range b.Records {
			if n := r.Value.End - r.Value.Start; n > maxGrowth*len(chunk)*2+300 {
				t.Errorf("a record of %d bytes of a chunk of %d", n, len(chunk))
			}
		}
		checkPieces(t, e, &b, chunk)
	})
}
