package encoder

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// capturedMetrics returns the chunks of Fluent Bit in the golden files.
func capturedMetrics(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/metrics_*.txt")
	if err != nil || len(files) < 4 {
		tb.Fatalf("%d golden files of metrics: %v", len(files), err)
	}
	chunks := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		_, _, _, chunks[filepath.Base(file)] = parseGolden(new(testing.T), string(text))
	}
	return chunks
}

type object = map[string]any

// metricsChunk returns one object with the given metrics.
func metricsChunk(tb testing.TB, metrics ...any) []byte {
	tb.Helper()
	chunk, err := msgp.AppendIntf(nil, object{"meta": object{"processing": object{"static_labels": []any{}}}, "metrics": metrics})
	if err != nil {
		tb.Fatal(err)
	}
	return chunk
}

// gauge returns a metric with two good samples, after change was applied to it.
func gauge(change func(metric, meta, sample object)) object {
	sample := object{"ts": uint64(1_700_000_000_123_456_789), "value": 1.5, "labels": []any{"a", nil}, "hash": uint64(7)}
	meta := object{"ver": 2, "type": typeGauge, "labels": []any{"x", "y"},
		"opts": object{"ns": "n", "ss": "s_", "name": "up", "desc": "d", "unit": ""}}
	m := object{"meta": meta, "values": []any{sample, object{"ts": uint64(0), "value": 2.0}}}
	change(m, meta, sample)
	return m
}

const goodGauge = `{"time":"2023-11-14T22:13:20.123456789Z","name":"n_s_up","type":"gauge","value":1.5,"labels":{"x":"a"}}`

// TestMetricsRefused: a fault of a sample or a metric costs only that sample or
// metric, and each sample of it that is not a record counts as rejected.
func TestMetricsRefused(t *testing.T) {
	lost := map[string]int{"no values": 1, "values no array": 1, "sample no map": 2} // others: of two samples
	of := func(kind int, key string, value object) func(_, meta, sample object) {
		return func(_, meta, sample object) {
			meta["type"], meta["buckets"], meta["quantiles"] = kind, []any{1.0}, []any{0.5}
			sample[key] = value
		}
	}
	for name, c := range map[string]struct {
		change  func(metric, meta, sample object)
		records int // of the two samples
		want    string
	}{
		"as it should be":        {func(_, _, _ object) {}, 2, ""},
		"no meta":                {func(m, _, _ object) { delete(m, "meta") }, 0, "a metric lacks"},
		"no values":              {func(m, _, _ object) { delete(m, "values") }, 0, "a metric lacks"},
		"values no array":        {func(m, _, _ object) { m["values"] = object{} }, 0, "a metric lacks"},
		"no sample":              {func(m, _, _ object) { m["values"] = []any{} }, 0, ""},
		"another version":        {func(_, meta, _ object) { meta["ver"] = 3 }, 0, "version 2"},
		"unknown type":           {func(_, meta, _ object) { meta["type"] = len(typeNames) }, 0, "known type"},
		"type below zero":        {func(_, meta, _ object) { meta["type"] = -1 }, 0, "known type"},
		"no name":                {func(_, meta, _ object) { delete(meta["opts"].(object), "name") }, 0, "name"},
		"bound no number":        {func(_, meta, _ object) { meta["buckets"] = []any{"1"} }, 0, "bounds"},
		"sample no map":          {func(m, _, _ object) { m["values"] = []any{1, nil, object{"ts": 1, "value": 1}} }, 1, "a sample"},
		"no time":                {func(_, _, s object) { delete(s, "ts") }, 1, "time"},
		"time below zero":        {func(_, _, s object) { s["ts"] = -1 }, 1, "time"},
		"time of a group mark":   {func(_, _, s object) { s["ts"] = uint64(groupEnd * 1e9) }, 2, ""},
		"time beyond 2106":       {func(_, _, s object) { s["ts"] = uint64(1<<64 - 1) }, 1, "time"},
		"start of counting none": {func(_, _, s object) { s["start_ts"] = "x" }, 2, ""},
		"no value":               {func(_, _, s object) { delete(s, "value") }, 1, "a number"},
		"value no number":        {func(_, _, s object) { s["value"] = "1" }, 1, "a number"},
		"integer no number":      {func(_, _, s object) { s["value_int64"] = "1" }, 1, "a number"},
		"label no string":        {func(_, _, s object) { s["labels"] = []any{1} }, 1, "label"},
		"label without name":     {func(_, _, s object) { s["labels"] = []any{"a", "b", "c"} }, 1, "label"},
		"labels no array":        {func(_, _, s object) { s["labels"] = "a" }, 1, "label"},
		"name no string":         {func(_, meta, _ object) { meta["labels"] = []any{1, "y"} }, 1, "label"},
		"fewer labels":           {func(_, _, s object) { s["labels"] = []any{"a"} }, 2, ""},
		"no histogram":           {of(typeHistogram, "other", nil), 0, "bucket"},
		"a bucket too few":       {of(typeHistogram, "histogram", object{"buckets": []any{1}, "sum": 1.0, "count": 1}), 0, "bucket"},
		"bucket no number":       {of(typeHistogram, "histogram", object{"buckets": []any{1, nil}, "sum": 1.0, "count": 1}), 0, "bucket"},
		"no sum":                 {of(typeHistogram, "histogram", object{"buckets": []any{1, 2}, "count": 1}), 0, "a number"},
		"a histogram":            {of(typeHistogram, "histogram", object{"buckets": []any{1, 2}, "sum": 1.0, "count": 1}), 1, "a sample"},
		"quantiles too many":     {of(typeSummary, "summary", object{"quantiles": []any{1, 1}, "quantiles_set": 1, "sum": 1, "count": 1}), 0, "a number"},
		"quantile no bits":       {of(typeSummary, "summary", object{"quantiles": []any{1.0}, "quantiles_set": 1, "sum": 1, "count": 1}), 0, "a number"},
		"sum no bits":            {of(typeSummary, "summary", object{"quantiles": []any{1}, "quantiles_set": 1, "sum": 1.0, "count": 1}), 0, "a number"},
		"a summary":              {of(typeSummary, "summary", object{"quantiles": []any{1}, "quantiles_set": 0, "sum": 1, "count": 1}), 1, "a sample"},
		"no exponential":         {of(typeExponential, "exp_histogram", object{"count": 1}), 0, "a number"},
	} {
		t.Run(name, func(t *testing.T) {
			good := gauge(func(_, _, _ object) {})
			chunk := metricsChunk(t, good, gauge(c.change), good)
			var b Batch
			newEncoder(t, Options{}).Append(&b, chunk, "tag")
			if len(b.Records) != c.records+4 {
				t.Errorf("%d records, want %d", len(b.Records), c.records+4)
			}
			if got := string(b.Bytes(b.Records[0].Value)); got != goodGauge {
				t.Errorf("%s, want %s", got, goodGauge)
			}
			if c.want == "" && len(b.Rejects) != 0 {
				t.Errorf("rejects %v", b.Rejects)
			}
			count := 0
			for _, r := range b.Rejects {
				if count += r.Count; !errors.Is(r.Err, ErrMalformed) || !strings.Contains(r.Err.Error(), c.want) {
					t.Errorf("reject %v, want one that says %q", r, c.want)
				}
			}
			want := lost[name]
			if want == 0 && c.want != "" {
				want = 2 - c.records
			}
			if count != want {
				t.Errorf("%d rejected samples, want %d: %v", count, want, b.Rejects)
			}
		})
	}
}

// TestMetricsNoObject: a map without metrics is one malformed event.
func TestMetricsNoObject(t *testing.T) {
	for name, chunk := range map[string][]byte{
		"empty":            {0x80},
		"another key":      []byte("\x81\xa1a\x90"),
		"metrics no array": []byte("\x81\xa7metrics\x80"),
	} {
		var b Batch
		newEncoder(t, Options{}).Append(&b, append(chunk, eventOf([]byte{0x80})...), "tag")
		if len(b.Records) != 1 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrMalformed) {
			t.Errorf("%s: %d records, rejects %v", name, len(b.Records), b.Rejects)
		}
	}
}

// TestMetricsCut cuts chunks at every byte: a whole object is encoded, and the
// rest is one reject.
func TestMetricsCut(t *testing.T) {
	e := newEncoder(t, Options{GroupKey: "g"})
	for name, chunk := range capturedMetrics(t) {
		if len(chunk) > 2000 { // the shorter ones have every kind of metric
			continue
		}
		var whole, b Batch
		e.Append(&whole, chunk, "tag")
		for cut := range chunk[1:] {
			b.Reset()
			e.Append(&b, append(bytes.Clone(chunk), chunk[:cut+1]...), "tag")
			if len(b.Records) != len(whole.Records) || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrBroken) ||
				b.Rejects[0].Offset != len(chunk) || b.Rejects[0].Length != cut+1 {
				t.Fatalf("%s cut at %d: %d records of %d, rejects %v", name, cut+1, len(b.Records), len(whole.Records), b.Rejects)
			}
		}
	}
}

// TestMetricsBuckets: counts are cumulative in the record, whether they are in the
// chunk or not, and the record says where that is unknown. An infinite bound is +Inf.
func TestMetricsBuckets(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		bounds, counts []any
		count          any
		want           string
	}{
		{[]any{1.0, 5.0}, []any{1, 2, 1}, 4, `"buckets":{"1":1,"5":3,"+Inf":4}}`},
		{[]any{1.0, 5.0}, []any{1, 3, 4}, 4, `"buckets":{"1":1,"5":3,"+Inf":4}}`},
		{[]any{1.0, 5.0}, []any{0, 0, 4}, 4, `"buckets":{"1":0,"5":0,"+Inf":4}}`},
		{[]any{1.0, 5.0}, []any{0, 0, 0}, 0, `"buckets":{"1":0,"5":0,"+Inf":0}}`},
		{[]any{1.0, 5.0}, []any{4, 0, 0}, 4, `"buckets":{"1":4,"5":4,"+Inf":4}}`},
		{[]any{1.0, 5.0}, []any{4, 4, 4}, 4, `"buckets":{"1":4,"5":4,"+Inf":4}}`},
		{[]any{1.0, 5.0}, []any{1, 2, 1}, 5, `"buckets":{"1":1,"5":2,"+Inf":1},"buckets_as_given":true}`},
		{[]any{1.0, 5.0}, []any{1, 2, 0}, 2, `"buckets":{"1":1,"5":2,"+Inf":0},"buckets_as_given":true}`},
		{[]any{1.0, 5.0}, []any{1.5, 2.0, 1.0}, 4, `"buckets":{"1":1.5,"5":2,"+Inf":1},"buckets_as_given":true}`},
		{[]any{1.0}, []any{uint64(1<<64 - 1), 2}, 1, `"buckets":{"1":18446744073709551615,"+Inf":2},"buckets_as_given":true}`},
		{[]any{}, []any{7}, 7, `"buckets":{"+Inf":7}}`},
		{[]any{1.0, inf}, []any{1, 2, 2}, 2, `"buckets":{"1":1,"+Inf":2}}`},
		{[]any{1.0, inf}, []any{1, 2, 0}, 3, `"buckets":{"1":1,"+Inf":3}}`},
		{[]any{-inf, float32(inf)}, []any{1, 2, 0}, 3, `"buckets":{"-Inf":1,"+Inf":3}}`},
	} {
		m := gauge(func(metric, meta, sample object) {
			meta["type"], meta["buckets"], meta["labels"] = typeHistogram, c.bounds, []any{}
			metric["values"] = []any{object{"ts": uint64(0), "histogram": object{"buckets": c.counts, "sum": 1.0, "count": c.count}}}
		})
		var b Batch
		newEncoder(t, Options{}).Append(&b, metricsChunk(t, m), "tag")
		if got := string(b.Buf); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestMetricsTooLarge: a record that is too large is rejected with the range of
// its sample in the chunk, or cut.
func TestMetricsTooLarge(t *testing.T) {
	long := gauge(func(_, _, sample object) { sample["labels"] = []any{strings.Repeat("l", 500)} })
	chunk := metricsChunk(t, gauge(func(_, _, _ object) {}), long)
	var b Batch
	newEncoder(t, Options{MaxBytes: 300}).Append(&b, chunk, "tag")
	if len(b.Records) != 3 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooLarge) {
		t.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
	r := b.Rejects[0]
	sample, rest, err := msgp.ReadIntfBytes(chunk[r.Offset:])
	if err != nil || r.Offset+r.Length != len(chunk)-len(rest) || len(sample.(object)["labels"].([]any)[0].(string)) != 500 {
		t.Errorf("reject %+v is not the sample", r)
	}
	if r.Sec != 1_700_000_000 || !strings.Contains(string(b.Bytes(r.Record)), `"n_s_up"`) {
		t.Errorf("reject %+v", r)
	}
	b.Reset()
	newEncoder(t, Options{MaxBytes: 300, Oversize: OversizeTruncate}).Append(&b, chunk, "tag")
	if len(b.Records) != 4 || len(b.Bytes(b.Records[2].Value)) != 300 {
		t.Errorf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
}

// TestMetricsShared: labels that all samples repeat cost no sample. A step ends
// after the sample that fills it, and soon also if the samples leave nothing in the
// batch.
func TestMetricsShared(t *testing.T) {
	const samples, size, label = 200, 64 << 10, 100_000
	for name, c := range map[string]struct {
		sample  object
		options Options
		records int
	}{
		"good":      {object{"ts": uint64(1), "value": 1.0}, Options{}, samples},
		"bad":       {object{"ts": uint64(1), "value": 1.0, "labels": []any{1}}, Options{}, 0},
		"too large": {object{"ts": uint64(1), "value": 1.0}, Options{MaxBytes: 40_000}, 0},
		"cut":       {object{"ts": uint64(1), "value": 1.0}, Options{MaxBytes: 1000, Oversize: OversizeTruncate}, samples},
		"hopeless":  {object{"ts": uint64(1), "value": 1.0}, Options{MaxBytes: 1000}, 0},
	} {
		values := make([]any, samples)
		for i := range values {
			values[i] = c.sample
		}
		m := gauge(func(metric, _, _ object) { metric["values"] = values })
		static := []any{[]any{"static", strings.Repeat("s", label)}}
		chunk, err := msgp.AppendIntf(nil, object{"metrics": []any{m}, "meta": object{"processing": object{"static_labels": static}}})
		if err != nil {
			t.Fatal(err)
		}
		e := newEncoder(t, c.options)
		var b Batch
		e.Begin(&b, chunk, "tag", time.Time{})
		records, rejects, steps := 0, 0, 0
		for at := (Position{}); at.Offset < len(chunk); steps++ {
			b.Reset()
			at = e.AppendSome(&b, chunk, at, size)
			records, rejects = records+len(b.Records), rejects+len(b.Rejects)
			if len(b.Buf) > size+label+1000 {
				t.Fatalf("%s: a step of %d bytes", name, len(b.Buf))
			}
		}
		b.End()
		if records != c.records || rejects != samples-c.records {
			t.Errorf("%s: %d records, %d rejects", name, records, rejects)
		}
		if name != "hopeless" && name != "cut" && steps < samples {
			t.Errorf("%s: %d steps", name, steps)
		}
	}
}

// TestMetricsStatic: the labels of all samples come first, and the labels of the
// sample take precedence over them.
func TestMetricsStatic(t *testing.T) {
	static := []any{[]any{"x", "all"}, []any{"z", "all"}}
	chunk, err := msgp.AppendIntf(nil, object{"metrics": []any{gauge(func(_, _, _ object) {})},
		"meta": object{"processing": object{"static_labels": static}}})
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	newEncoder(t, Options{}).Append(&b, chunk, "tag")
	for i, want := range []string{`"labels":{"z":"all","x":"a"}`, `"labels":{"x":"all","z":"all"}`} {
		if got := string(b.Bytes(b.Records[i].Value)); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestMetricsAndLogs: metrics leave nothing behind for logs after them in the
// same batch, nor logs for metrics.
func TestMetricsAndLogs(t *testing.T) {
	e := newEncoder(t, Options{GroupKey: "g", TagKey: "tag"})
	log := eventOf([]byte("\x81\xa1v\x01"))
	var b Batch
	for name, chunk := range capturedMetrics(t) {
		b.Reset()
		e.Append(&b, log, "a")
		e.Append(&b, chunk, "b")
		e.Append(&b, append(bytes.Clone(chunk), log...), "c")
		first, last := b.Records[0], b.Records[len(b.Records)-1]
		if got := string(b.Bytes(first.Value)); got != `{"tag":"a","v":1}` {
			t.Errorf("%s: %s", name, got)
		}
		if got := string(b.Bytes(last.Value)); got != `{"tag":"c","v":1}` || last.Sec != 1_700_000_000 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestMetricsNoAllocations: encoding metrics allocates nothing, like encoding logs.
func TestMetricsNoAllocations(t *testing.T) {
	e := newEncoder(t, Options{TimeKey: "t", TagKey: "tag", GroupKey: "g", KeyField: "name", RouteField: "$labels['cpu']", MaxBytes: 10_000})
	for name, chunk := range capturedMetrics(t) {
		var b Batch
		run := func() {
			b.Reset()
			e.Append(&b, chunk, "kube.app")
		}
		if allocs := testing.AllocsPerRun(10, run); allocs != 0 {
			t.Errorf("%s: %v allocations for %d records", name, allocs, len(b.Records))
		}
	}
}

// TestMetricsOracle decodes captured chunks with another reader, which says what
// each record must be.
func TestMetricsOracle(t *testing.T) {
	e := newEncoder(t, Options{})
	for name, chunk := range capturedMetrics(t) {
		var b Batch
		e.Append(&b, chunk, "tag")
		want := expectedMetrics(t, chunk)
		if len(b.Rejects) != 0 || len(b.Records) != len(want) {
			t.Fatalf("%s: %d records of %d, rejects %v", name, len(b.Records), len(want), b.Rejects)
		}
		for i, r := range b.Records {
			var got object
			if err := json.Unmarshal(b.Bytes(r.Value), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want[i]) {
				t.Errorf("%s: %v, want %v", name, got, want[i])
			}
		}
	}
}
