package plugin

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/encoder"
	"out_sls_kafka/test/sls"
)

// tracesChunk is a chunk of traces with n spans.
func tracesChunk(t *testing.T, n int) []byte {
	t.Helper()
	var spans []any
	for i := range n {
		spans = append(spans, map[string]any{"trace_id": "0af7", "span_id": fmt.Sprint(i), "name": "get",
			"start_time_unix_nano": uint64(1_700_000_000_000_000_000), "end_time_unix_nano": uint64(1_700_000_001_000_000_000)})
	}
	return packed(t, map[string]any{"resourceSpans": []any{map[string]any{"scope_spans": []any{map[string]any{"scope": nil, "spans": spans}}}}})
}

// gaugeChunk is a chunk of metrics with n samples.
func gaugeChunk(t *testing.T, n int) []byte {
	t.Helper()
	var values []any
	for i := range n {
		values = append(values, map[string]any{"ts": uint64(1_700_000_000_000_000_000), "value": float64(i)})
	}
	meta := map[string]any{"ver": 2, "type": 1, "opts": map[string]any{"name": "up"}}
	return packed(t, map[string]any{"metrics": []any{map[string]any{"meta": meta, "values": values}}})
}

// deltaChunk is a chunk of metrics: one counter that counts since the sample before, of n
// samples, and one since the start.
func deltaChunk(t *testing.T, n int) []byte {
	t.Helper()
	var metrics []any
	for name, aggregation := range map[string]int{"delta": 1, "total": 2} {
		var values []any
		for i := range n {
			values = append(values, map[string]any{"ts": uint64(1_700_000_000_000_000_000), "value": float64(i)})
		}
		meta := map[string]any{"ver": 2, "type": 0, "opts": map[string]any{"name": name}, "aggregation_type": aggregation}
		metrics = append(metrics, map[string]any{"meta": meta, "values": values})
	}
	return packed(t, map[string]any{"metrics": metrics})
}

func packed(t *testing.T, v any) []byte {
	t.Helper()
	chunk, err := msgp.AppendIntf(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return chunk
}

// One output delivers all kinds, each to its logstore; without one, metrics go where logs
// go, and traces are dropped: the chunk is OK, it counts, and the first is logged.
func TestKinds(t *testing.T) {
	t.Parallel()
	const logs, samples, spans = 5, 7, 9
	for name, c := range map[string]struct {
		more string // options
		want string // records by logstore: demo, metrics, traces
	}{
		"none":               {"", "12 0 0"},
		"metrics":            {"logstore_metrics=metrics", "5 7 0"},
		"traces":             {"logstore_traces=traces", "12 0 9"},
		"both":               {"logstore_metrics=metrics logstore_traces=traces", "5 7 9"},
		"the logs' own":      {"logstore_metrics=demo logstore_traces=demo", "21 0 0"},
		"with logstore_key":  {"logstore_key=type logstore_metrics=metrics logstore_traces=traces", "5 7 9"},
		"key decides":        {"logstore_key=name", "12 0 0"},
		"metricstore":        {"metrics_format=metricstore logstore_metrics=metrics", "5 7 0"},
		"names not allowed":  {"logstore_key=log logstore_allowed=demo logstore_metrics=metrics logstore_traces=traces", "5 7 9"},
		"with a key of logs": {"logstore_key=log logstore_traces=traces", "7 5 9"},
	} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "metrics", "traces"}})
			for option := range strings.FieldsSeq(c.more) {
				key, value, _ := strings.Cut(option, "=")
				properties[key] = value
			}
			o, h := network.startOutput(t, properties)
			for range 2 {
				for _, chunk := range [][]byte{events(0, logs, "metrics"), tracesChunk(t, spans), gaugeChunk(t, samples)} {
					if r := deliver(t, o, chunk); r != OK {
						t.Errorf("result %d", r)
					}
				}
			}
			if got := fmt.Sprint(e.Count("demo")/2, e.Count("metrics")/2, e.Count("traces")/2); got != c.want {
				t.Errorf("records in demo, metrics, traces: %s, want %s", got, c.want)
			}
			unwanted := int64(2)
			if strings.Contains(c.more, "logstore_traces") {
				unwanted = 0
			}
			const line = "are dropped, because logstore_traces is not set"
			if unwanted > 0 {
				h.wait(line)
			}
			if n := o.stats.unwanted.Load(); n != unwanted || h.count(line) != int(unwanted+1)/2 {
				t.Errorf("%d chunks unwanted, %d lines", n, h.count(line))
			}
			if got := o.snapshot(time.Now()).unwanted; got != unwanted {
				t.Errorf("%d chunks unwanted in the metrics", got)
			}
			if n := o.stats.rejected.Load(); n != 0 || len(o.live) != 0 {
				t.Errorf("%d rejected, %d chunks left", n, len(o.live))
			}
		}))
	}
}

// Samples that count since the one before are left out of a metricstore: each counts as
// rejected and is kept, and the others of the chunk land. metrics_delta keep has them land.
func TestDeltaMetrics(t *testing.T) {
	t.Parallel()
	const samples = 7
	for name, c := range map[string]struct {
		options      []string
		land, reject int
	}{
		"metricstore":       {[]string{"metrics_format", "metricstore"}, samples, samples},
		"metricstore, keep": {[]string{"metrics_format", "metricstore", "metrics_delta", "keep"}, 2 * samples, 0},
		"json":              {nil, 2 * samples, 0},
	} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			for i := 0; i < len(c.options); i += 2 {
				properties[c.options[i]] = c.options[i+1]
			}
			properties["dead_letter_file"] = filepath.Join(t.TempDir(), "letters")
			o, h := network.startOutput(t, properties)
			if r := deliver(t, o, deltaChunk(t, samples)); r != OK {
				t.Errorf("result %d", r)
			}
			if got := e.Count("demo"); got != c.land {
				t.Errorf("%d samples landed, want %d", got, c.land)
			}
			if got := o.snapshot(time.Now()).rejected[unreadable]; got != int64(c.reject) {
				t.Errorf("%d samples rejected, want %d", got, c.reject)
			}
			if c.reject == 0 {
				return
			}
			h.wait("rejected: a metric that counts since the sample before (delta)")
			for _, l := range readDeadLetters(t, properties["dead_letter_file"]) {
				if !strings.HasPrefix(l.Reason, encoder.ErrDelta.Error()) {
					t.Errorf("kept for %q", l.Reason)
				}
			}
		}))
	}
}

// A logstore of traces that does not exist holds up traces alone.
func TestMissingLogstoreOfTraces(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo"}})
		properties["logstore_traces"], properties["buffer_limit"] = "traces", "1M"
		o, _ := network.startOutput(t, properties)
		traces := newFlushes(t, o)
		for range 40 { // more than there is room for
			traces.give("traces", tracesChunk(t, 1000))
		}
		for range 3 {
			if r := deliver(t, o, events(0, 100, "x")); r != OK {
				t.Errorf("result %d", r)
			}
			if r := deliver(t, o, gaugeChunk(t, 100)); r != OK {
				t.Errorf("result %d", r)
			}
		}
		if got := e.Count("demo"); got != 600 {
			t.Errorf("%d records, want 600", got)
		}
		if _, done, waiting := traces.longest("traces"); done != 0 || waiting != 40 {
			t.Errorf("%d chunks of traces are done, %d wait", done, waiting)
		}
	})
}
