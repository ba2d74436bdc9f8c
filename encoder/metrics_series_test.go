package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// seriesOf encodes a chunk for a metricstore and returns its records as
// name{labels} value time.
func seriesOf(t *testing.T, o Options, chunk []byte) (lines []string, rejects []Reject) {
	t.Helper()
	o.Metrics = MetricsStore
	var b Batch
	newEncoder(t, o).Append(&b, chunk, "tag")
	for _, r := range b.Records {
		var fields map[string]string
		value := b.Bytes(r.Value)
		if err := json.Unmarshal(value, &fields); err != nil || len(fields) != 4 {
			t.Fatalf("%s: %v", value, err)
		}
		ns, err := strconv.ParseInt(fields["__time_nano__"], 10, 64)
		if err != nil || ns/1e9 != r.Sec || ns%1e9 != int64(r.Nsec) {
			t.Errorf("%s has the time %d.%09d", value, r.Sec, r.Nsec)
		}
		lines = append(lines, fmt.Sprintf("%s{%s} %s %s", fields["__name__"], fields["__labels__"], fields["__value__"], fields["__time_nano__"]))
	}
	return lines, b.Rejects
}

func wantSeries(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// objectOf returns a chunk of metrics with these metadata.
func objectOf(t testing.TB, cmetrics, external object, static []any, metrics ...any) []byte {
	t.Helper()
	chunk, err := msgp.AppendIntf(nil, object{"metrics": metrics,
		"meta": object{"cmetrics": cmetrics, "external": external, "processing": object{"static_labels": static}}})
	if err != nil {
		t.Fatal(err)
	}
	return chunk
}

const at = " 1700000000123456789"

// TestSeriesLabels: labels are sorted, have the names and values that a metricstore
// takes, and those of the sample take precedence over the object's, and these over the
// resource's.
func TestSeriesLabels(t *testing.T) {
	for name, c := range map[string]struct {
		names, values []any
		static        []any
		resource      object
		want          string
	}{
		"none":                     {nil, nil, nil, nil, ""},
		"sorted":                   {[]any{"b", "a"}, []any{"1", "2"}, []any{[]any{"aa", "3"}}, object{"0": "4"}, "_0#$#4|a#$#2|aa#$#3|b#$#1"},
		"empty and nil are none":   {[]any{"b", "a", "c"}, []any{"", nil, "1"}, nil, nil, "c#$#1"},
		"a separator in a value":   {[]any{"a"}, []any{"x|y|"}, nil, nil, "a#$#x_y_"},
		"characters of names":      {[]any{"http.method", "9", "é-ü", "", "a:b"}, []any{"1", "2", "3", "4", "5"}, nil, nil, "_#$#4|_9#$#2|___#$#3|a_b#$#5|http_method#$#1"},
		"invalid UTF-8":            {[]any{"a\xff\xfeb"}, []any{"x\xff"}, nil, nil, "a__b#$#x\ufffd"},
		"levels":                   {[]any{"a", "b"}, []any{"1", nil}, []any{[]any{"a", "2"}, []any{"b", "2"}}, object{"a": "3", "b": "3", "c": "3"}, "a#$#1|b#$#2|c#$#3"},
		"empty overrides nothing":  {[]any{"a"}, []any{""}, []any{[]any{"a", "2"}}, nil, "a#$#2"},
		"levels by their new name": {[]any{"a_b"}, []any{"1"}, nil, object{"a.b": "3"}, "a_b#$#1"},
		"names that become one":    {[]any{"a.b", "a_b", "a-b"}, []any{"1", "2", "3"}, nil, nil, "a_b#$#3;1;2"},
		"one name twice":           {[]any{"a", "a"}, []any{"1", "2"}, nil, nil, "a#$#2"},
		"the metric's name":        {[]any{"__name__", "le"}, []any{"1", "2"}, nil, nil, "exported___name__#$#1|le#$#2"},
		"attributes of any type":   {nil, nil, nil, object{"s": "x", "i": 7, "d": 1.5, "b": true, "n": nil, "l": []any{1, "q"}}, `b#$#true|d#$#1.5|i#$#7|l#$#[1,"q"]|s#$#x`},
	} {
		t.Run(name, func(t *testing.T) {
			m := gauge(func(metric, meta, sample object) {
				meta["labels"], sample["labels"] = c.names, c.values
				metric["values"] = []any{sample, sample} // the second is like the first
			})
			chunk := objectOf(t, object{}, object{"resource": object{"attributes": c.resource}}, c.static, m)
			got, rejects := seriesOf(t, Options{}, chunk)
			want := "n_s_up{" + c.want + "} 1.5" + at
			wantSeries(t, got, want, want)
			if len(rejects) > 0 {
				t.Error(rejects)
			}
		})
	}
}

// TestSeriesName: the name of a metric has no characters that Prometheus does not allow.
func TestSeriesName(t *testing.T) {
	for name, want := range map[string]string{"a:b_1": "a:b_1", "http.server.duration": "http_server_duration", "5xx": "_5xx", "größe": "gr__e", "": "_"} {
		m := gauge(func(metric, meta, sample object) {
			meta["opts"] = object{"ns": "", "ss": "", "name": name, "desc": "", "unit": ""}
			meta["labels"], metric["values"] = []any{}, []any{object{"ts": uint64(5e9), "value": 1.0}}
		})
		got, _ := seriesOf(t, Options{}, metricsChunk(t, m))
		wantSeries(t, got, want+"{} 1 5000000000")
	}
}

// pointsOf returns a metric of one sample, whose value is under that key.
func pointsOf(kind int, bounds []any, key string, value object) object {
	return gauge(func(metric, meta, sample object) {
		meta["type"], meta["buckets"], meta["quantiles"], meta["labels"] = kind, bounds, bounds, []any{"a", "z"}
		sample[key], sample["labels"] = value, []any{"1", "2"}
		metric["values"] = []any{sample}
	})
}

// floatBits returns a float64 as cmetrics packs it in a summary.
func floatBits(v float64) uint64 { return math.Float64bits(v) }

// TestSeriesPoints: a histogram becomes its buckets, with counts that are cumulative, its
// count and its sum; a summary its quantiles, its count and its sum.
func TestSeriesPoints(t *testing.T) {
	const rest = "|z#$#2} "
	histogram := func(bounds, counts []any, count any) object {
		return pointsOf(typeHistogram, bounds, "histogram", object{"buckets": counts, "count": count, "sum": 2.5})
	}
	exponential := func(change object) object {
		h := object{"count": 9, "sum_set": 1, "sum": floatBits(-7.5), "scale": 0, "zero_count": 0, "zero_threshold": 0.0,
			"positive_offset": 0, "positive_buckets": []any{}, "negative_offset": 0, "negative_buckets": []any{}}
		for k, v := range change {
			h[k] = v
		}
		return pointsOf(typeExponential, nil, "exp_histogram", h)
	}
	for name, c := range map[string]struct {
		metric object
		want   string // le and count, then count and sum
	}{
		"cumulative":            {histogram([]any{0.5, 1.0}, []any{1, 3, 4}, 4), "0.5 1, 1 3, +Inf 4, 4, 2.5"},
		"separate":              {histogram([]any{0.5, 1.0}, []any{1, 2, 1}, 4), "0.5 1, 1 3, +Inf 4, 4, 2.5"},
		"neither, and no falls": {histogram([]any{0.5, 1.0}, []any{1, 2, 3}, 4), "0.5 1, 1 2, +Inf 3, 4, 2.5"},
		"neither":               {histogram([]any{0.5, 1.0}, []any{1, 2, 1}, 5), "0.5 1, 1 3, +Inf 4, 5, 2.5"},
		"large and small":       {histogram([]any{1e-9, 1e6, 2.5e7}, []any{1, 1, 1, 1}, 1), "1e-09 1, 1e+06 1, 2.5e+07 1, +Inf 1, 1, 2.5"},
		"infinite bounds":       {histogram([]any{math.Inf(-1), 1.0, math.Inf(1)}, []any{0, 1, 2, 2}, 2), "1 1, +Inf 2, 2, 2.5"},
		"bounds that fall":      {histogram([]any{1.0, 0.5, 2.0}, []any{1, 2, 3, 3}, 3), "1 1, 2 3, +Inf 3, 3, 2.5"},
		"no bounds":             {histogram([]any{}, []any{7}, 7), "+Inf 7, 7, 2.5"},
		"integer bounds":        {histogram([]any{1, 2}, []any{1, 2, 3}, 3), "1 1, 2 2, +Inf 3, 3, 2.5"},
		"exponential": {exponential(object{"positive_offset": -1, "positive_buckets": []any{1, 2, 0, 3}, "count": 6}),
			"1 1, 2 3, 4 3, 8 6, +Inf 6, 6, -7.5"},
		"exponential, both sides": {exponential(object{"positive_buckets": []any{1, 2}, "negative_offset": 1, "negative_buckets": []any{3, 1}, "zero_count": 2, "zero_threshold": 0.25}),
			"-4 1, -2 4, 0.25 6, 2 7, 4 9, +Inf 9, 9, -7.5"},
		"exponential, half steps": {exponential(object{"scale": 1, "positive_buckets": []any{1, 1}, "count": 2}),
			fmt.Sprintf("%v 1, 2 2, +Inf 2, 2, -7.5", math.Exp2(0.5))},
		"exponential, no sum":        {exponential(object{"sum_set": 0, "count": 0}), "+Inf 0, 0"},
		"exponential, beyond floats": {exponential(object{"positive_offset": 1022, "positive_buckets": []any{1, 1, 1}, "count": 3}), "8.98846567431158e+307 1, +Inf 3, 3, -7.5"},
		"exponential, below floats":  {exponential(object{"positive_offset": -1077, "positive_buckets": []any{1, 1, 1}, "count": 3}), "0 1, 5e-324 3, +Inf 3, 3, -7.5"},
		"exponential, any scale": {exponential(object{"scale": math.MinInt32, "positive_offset": -1, "positive_buckets": []any{1, 2}, "count": 3}),
			"1 1, +Inf 3, 3, -7.5"},
	} {
		t.Run(name, func(t *testing.T) {
			got, rejects := seriesOf(t, Options{}, metricsChunk(t, c.metric))
			var want []string
			for _, part := range strings.Split(c.want, ", ") {
				if le, count, ok := strings.Cut(part, " "); ok {
					want = append(want, "n_s_up_bucket{a#$#1|le#$#"+le+rest+count+at)
				} else if suffix := "_sum"; true {
					if !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, "_count") }) {
						suffix = "_count"
					}
					want = append(want, "n_s_up"+suffix+"{a#$#1"+rest+part+at)
				}
			}
			wantSeries(t, got, want...)
			if len(rejects) > 0 {
				t.Error(rejects)
			}
		})
	}
	summary := func(set int) object {
		return pointsOf(typeSummary, []any{0.5, 0.99}, "summary", object{"quantiles": []any{floatBits(4.25), floatBits(math.NaN())}, "quantiles_set": set, "sum": floatBits(math.Inf(-1)), "count": 9})
	}
	got, _ := seriesOf(t, Options{}, metricsChunk(t, summary(1), summary(0)))
	short := []string{"n_s_up_count{a#$#1" + rest + "9" + at, "n_s_up_sum{a#$#1" + rest + "-Inf" + at}
	wantSeries(t, got, append(append([]string{"n_s_up{a#$#1|quantile#$#0.5" + rest + "4.25" + at,
		"n_s_up{a#$#1|quantile#$#0.99" + rest + "NaN" + at}, short...), short...)...)
}

// TestSeriesBoundPlace: the label of a bucket stands where it belongs among any others,
// and a label of the sample of that name keeps its value under another.
func TestSeriesBoundPlace(t *testing.T) {
	for names, want := range map[string]string{
		"":       "{le#$#+Inf} 7",
		"a":      "{a#$#v|le#$#+Inf} 7",
		"z":      "{le#$#+Inf|z#$#v} 7",
		"z,a,la": "{a#$#v|la#$#v|le#$#+Inf|z#$#v} 7",
		"le":     "{exported_le#$#v|le#$#+Inf} 7",
		"le,lf":  "{exported_le#$#v|le#$#+Inf|lf#$#v} 7",
	} {
		for _, static := range []bool{false, true} {
			m := pointsOf(typeHistogram, []any{}, "histogram", object{"buckets": []any{7}, "count": 7, "sum": 1})
			keys, values, pairs := []any{}, []any{}, []any{}
			for name := range strings.SplitSeq(names, ",") {
				if name == "" {
				} else if static {
					pairs = append(pairs, []any{name, "v"})
				} else {
					keys, values = append(keys, name), append(values, "v")
				}
			}
			m["meta"].(object)["labels"] = keys
			sample := m["values"].([]any)[0].(object)
			sample["labels"] = values
			m["values"] = []any{sample, sample}
			got, _ := seriesOf(t, Options{}, objectOf(t, object{}, object{}, pairs, m))
			if len(got) != 6 || got[0] != "n_s_up_bucket"+want+at || got[3] != got[0] || strings.Contains(got[1], "|le#$#") {
				t.Errorf("%q, static %v: %q, want %s", names, static, got, want)
			}
		}
	}
}

// TestSeriesTime: a sample of OpenTelemetry keeps its own time, any other has that of the
// newest of its object; where there is none, it is when the chunk came.
func TestSeriesTime(t *testing.T) {
	old := gauge(func(metric, meta, sample object) {
		meta["labels"], metric["values"] = []any{}, []any{object{"ts": uint64(5e9), "value": 1.0}, object{"ts": uint64(0), "value": 2}, object{"ts": uint64(9e9), "value": 3}}
	})
	got, _ := seriesOf(t, Options{}, objectOf(t, object{"producer": "opentelemetry"}, object{}, nil, old))
	wantSeries(t, got, "n_s_up{} 1 5000000000", "n_s_up{} 2 9000000000", "n_s_up{} 3 9000000000")
	got, _ = seriesOf(t, Options{}, objectOf(t, object{}, object{}, nil, old))
	wantSeries(t, got, "n_s_up{} 1 9000000000", "n_s_up{} 2 9000000000", "n_s_up{} 3 9000000000")

	never := gauge(func(metric, meta, sample object) {
		meta["labels"], metric["values"] = []any{}, []any{object{"ts": uint64(0), "value": 1.0}}
	})
	for zero, want := range map[bool]string{true: `"__time_nano__":"7000000001"`, false: `"__time_nano__":"0"`} {
		e := newEncoder(t, Options{Metrics: MetricsStore, ReplaceZeroTime: zero})
		var b Batch
		e.Begin(&b, nil, "tag", time.Unix(7, 1))
		e.AppendSome(&b, metricsChunk(t, never), Position{}, math.MaxInt)
		b.End()
		if !strings.Contains(string(b.Buf), want) {
			t.Errorf("%s, want %s", b.Buf, want)
		}
	}
}

// TestSeriesValues: integers are exact, and what JSON has no number for is text.
func TestSeriesValues(t *testing.T) {
	for _, c := range []struct {
		sample object
		want   string
	}{
		{object{"value": 1e21}, "1e+21"}, {object{"value": -0.1}, "-0.1"}, {object{"value": math.NaN()}, "NaN"},
		{object{"value": math.Inf(1)}, "+Inf"}, {object{"value": math.Inf(-1)}, "-Inf"}, {object{"value": float32(0.5)}, "0.5"},
		{object{"value": 9.007199254740993e15, "value_int64": int64(-9007199254740993)}, "-9007199254740993"},
		{object{"value": 1.0, "value_uint64": uint64(math.MaxUint64)}, "18446744073709551615"},
	} {
		c.sample["ts"] = uint64(1e9)
		m := gauge(func(metric, meta, sample object) { meta["labels"], metric["values"] = []any{}, []any{c.sample} })
		got, _ := seriesOf(t, Options{}, metricsChunk(t, m))
		wantSeries(t, got, "n_s_up{} "+c.want+" 1000000000")
	}
}

// TestSeriesDelta: a metric that counts since the sample before is rejected, each sample
// of it, unless it is wanted; a record of a sample as a whole says what it is.
func TestSeriesDelta(t *testing.T) {
	delta := gauge(func(metric, meta, sample object) {
		meta["type"], meta["aggregation_type"] = typeCounter, deltaAggregation
	})
	good := gauge(func(_, _, _ object) {})
	chunk := metricsChunk(t, good, delta, good)
	got, rejects := seriesOf(t, Options{}, chunk)
	if len(got) != 4 || len(rejects) != 1 || rejects[0].Count != 2 || !errors.Is(rejects[0].Err, ErrDelta) {
		t.Errorf("%q, rejects %+v", got, rejects)
	}
	if got, rejects = seriesOf(t, Options{KeepDelta: true}, chunk); len(got) != 6 || len(rejects) != 0 {
		t.Errorf("%q, rejects %+v", got, rejects)
	}
	var b Batch
	newEncoder(t, Options{}).Append(&b, chunk, "tag")
	if len(b.Records) != 6 || strings.Count(string(b.Buf), `"aggregation":"delta"`) != 2 {
		t.Errorf("%s, rejects %v", b.Buf, b.Rejects)
	}
}

// TestSeriesOptions: no option adds a field or cuts labels; the key may come from the
// fields of the record.
func TestSeriesOptions(t *testing.T) {
	e := newEncoder(t, Options{Metrics: MetricsStore, Format: FormatRaw, RawKey: "log", TimeKey: "t", TagKey: "tag", RecordIDKey: "id", MetadataKey: "m", GroupKey: "g",
		KeyField: "__name__", RouteField: "$__value__", MaxBytes: 1000, Oversize: OversizeTruncate, Reserved: ReservedKeys{ReservedDrop, []string{"__name__"}, 70}})
	long := gauge(func(_, _, sample object) { sample["labels"] = []any{strings.Repeat("l", 2000)} })
	var b Batch
	e.Append(&b, metricsChunk(t, gauge(func(_, _, _ object) {}), long), "tag")
	if len(b.Records) != 3 || len(b.Rejects) != 1 || !errors.Is(b.Rejects[0].Err, ErrTooLarge) || len(b.Bytes(b.Rejects[0].Record)) == 0 {
		t.Fatalf("%d records, rejects %v", len(b.Records), b.Rejects)
	}
	r := b.Records[0]
	const want = `{"__name__":"n_s_up","__labels__":"x#$#a","__time_nano__":"1700000000123456789","__value__":"1.5"}`
	if got := string(b.Bytes(r.Value)); got != want || string(b.Bytes(r.Key)) != "n_s_up" || string(b.Bytes(r.Route)) != "1.5" {
		t.Errorf("%s, key %s, route %s, want %s", got, b.Bytes(r.Key), b.Bytes(r.Route), want)
	}
}

// TestSeriesMalformed: what is malformed costs the sample alone, whole.
func TestSeriesMalformed(t *testing.T) {
	exp := object{"count": 1, "sum_set": 1, "sum": 1, "scale": 0, "zero_count": 0, "zero_threshold": 0.0,
		"positive_offset": 0, "positive_buckets": []any{1}, "negative_offset": 0, "negative_buckets": []any{1}}
	var metrics []any
	for key, bad := range map[string]any{"count": -1, "sum": "x", "scale": 1.5, "zero_count": nil, "zero_threshold": "0", "positive_offset": uint64(math.MaxUint64),
		"positive_buckets": []any{1, -1}, "negative_offset": nil, "negative_buckets": 1} {
		h := object{}
		for k, v := range exp {
			h[k] = v
		}
		h[key] = bad
		metrics = append(metrics, pointsOf(typeExponential, nil, "exp_histogram", h))
	}
	for _, h := range []object{{"buckets": []any{1, 1.5}, "count": 1, "sum": 1}, {"buckets": []any{1}, "count": 1, "sum": 1}, {"buckets": []any{1, 1}, "count": 1}} {
		metrics = append(metrics, pointsOf(typeHistogram, []any{1.0}, "histogram", h))
	}
	for _, s := range []object{{"quantiles": []any{1.5}, "quantiles_set": 1, "count": 1, "sum": 1}, {"quantiles": []any{1}, "count": 1, "sum": 1}, {"quantiles": []any{1}, "quantiles_set": 1, "count": 1, "sum": 1.5}} {
		metrics = append(metrics, pointsOf(typeSummary, []any{0.5}, "summary", s))
	}
	for key, bad := range map[string]any{"ts": -1, "value": "1", "labels": []any{1}} {
		metrics = append(metrics, gauge(func(metric, _, sample object) { sample[key], metric["values"] = bad, []any{sample} }))
	}
	good := gauge(func(_, _, _ object) {})
	got, rejects := seriesOf(t, Options{}, metricsChunk(t, append(metrics, good)...))
	if len(got) != 2 || len(rejects) != len(metrics) {
		t.Errorf("%q, %d rejects of %d", got, len(rejects), len(metrics))
	}
	for _, r := range rejects {
		if !errors.Is(r.Err, ErrMalformed) || r.Count != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// TestSeriesSteps: a step ends between two records of one sample, however many it has
// and however long its labels are, and one that is too large costs the time of one.
func TestSeriesSteps(t *testing.T) {
	const buckets, size, label = 5000, 64 << 10, 20_000
	bounds, counts := []any{}, []any{0}
	for i := range buckets {
		bounds, counts = append(bounds, float64(i+1)), append(counts, 0)
	}
	m := pointsOf(typeHistogram, bounds, "histogram", object{"buckets": counts, "count": 0, "sum": 0.0})
	chunk := objectOf(t, object{}, object{}, []any{[]any{"static", strings.Repeat("s", label)}}, m)
	for limit, want := range map[int]int{0: buckets + 3, label - 1: 0, 100: 0} {
		e := newEncoder(t, Options{Metrics: MetricsStore, MaxBytes: limit})
		var b Batch
		e.Begin(&b, chunk, "tag", time.Time{})
		records, rejected := 0, 0
		for at := (Position{}); at.Offset < len(chunk); {
			b.Reset()
			at = e.AppendSome(&b, chunk, at, size)
			records += len(b.Records)
			for _, r := range b.Rejects {
				rejected++
				if limit == label-1 && r.Count != buckets+3 {
					t.Errorf("%+v", r)
				}
			}
			if len(b.Buf) > size+2*label {
				t.Fatalf("a step of %d bytes", len(b.Buf))
			}
		}
		b.End()
		if records != want || want == 0 && rejected != 1 {
			t.Errorf("limit %d: %d records, %d rejects", limit, records, rejected)
		}
	}
}

// TestSeriesNoAllocations: encoding for a metricstore allocates nothing.
func TestSeriesNoAllocations(t *testing.T) {
	e := newEncoder(t, Options{Metrics: MetricsStore, KeepDelta: true, KeyField: "__name__", MaxBytes: 10_000})
	for name, chunk := range capturedMetrics(t) {
		var b Batch
		run := func() {
			b.Reset()
			e.Append(&b, chunk, "kube.app")
		}
		if allocs := testing.AllocsPerRun(10, run); allocs != 0 || len(b.Records) == 0 || len(b.Rejects) > 0 {
			t.Errorf("%s: %v allocations for %d records, rejects %v", name, allocs, len(b.Records), b.Rejects)
		}
	}
}
