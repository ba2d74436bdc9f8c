package plugin

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/produce"
	"out_sls_kafka/test/sls"
)

// A chunk of many pieces is stored but for what is not an event, in the first and the
// last piece, and its memory is known exactly.
func TestPieces(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["linger"], properties["compression"] = "10s", "none"
		o, _ := network.startOutput(t, properties)
		const n = 3000
		chunk := append([]byte{0xc0}, events(0, n/2, "x")...)
		chunk = append(append(chunk, events(n/2, n/2, strings.Repeat("x", 1000))...), 0xc0)
		w := make(resultWaker, 2)
		o.Coalesce(func() {
			c := o.Submit("test.tag", chunk, w, false)
			c.Advance(chunk)
			var b encoder.Batch
			o.encoder.Append(&b, chunk, "test.tag")
			values := int64(0)
			for i := range b.Records {
				values += int64(len(b.Bytes(b.Records[i].Value)))
			}
			if used, _ := o.admission.load(); used != values+n*produce.MaxRecordOverhead+chunkOverhead {
				t.Errorf("%d bytes are reserved, want %d", used, values+n*produce.MaxRecordOverhead+chunkOverhead)
			}
		})
		if r := w.result(t); r != OK {
			t.Errorf("result %d", r)
		}
		if got, rejected := e.Count("demo"), o.stats.rejected.Load(); got != n || rejected != 2 {
			t.Errorf("%d records stored, %d rejected, want %d and 2", got, rejected, n)
		}
	})
}

// A metric that cannot be read counts as many rejected records as it has samples.
func TestRejectedSamples(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		const n = 100
		chunk := msgp.AppendString(msgp.AppendMapHeader(nil, 1), "metrics")
		chunk = msgp.AppendMapHeader(msgp.AppendArrayHeader(chunk, 1), 1)
		chunk = msgp.AppendArrayHeader(msgp.AppendString(chunk, "values"), n)
		for range n {
			chunk = msgp.AppendMapHeader(chunk, 0)
		}
		if r := deliver(t, o, append(chunk, events(0, 1, "x")...)); r != OK {
			t.Errorf("result %d", r)
		}
		if rejected := o.stats.rejected.Load(); rejected != n {
			t.Errorf("%d rejected records, want %d", rejected, n)
		}
		h.wait("99 more of this kind")
	})
}

// A field of the record with the name of an added one does not land, is counted, and the
// first is logged.
func TestOwnFieldOfAddedName(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["tag_key"], properties["metadata_key"] = "tag", "meta"
		o, h := network.startOutput(t, properties)
		const n = 3
		event := append(slices.Clone(routedTo("x")[:13]), "\x83\xa3tag\xa6forged\xa4meta\xa6forged\xa1a\x02"...)
		if r := deliver(t, o, bytes.Repeat(event, n)); r != OK {
			t.Errorf("result %d", r)
		}
		for _, l := range e.Logs("demo") {
			if got, want := string(l.Value), `{"tag":"test.tag","a":2}`; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if got := o.stats.overridden.Load(); got != 2*n || h.count(`has the field "tag", which an option adds`) != 1 || h.count("which an option adds") != 1 {
			t.Errorf("%d fields counted, want %d: %s", got, 2*n, h.text())
		}
	})
}

// ownMetric is the value of a metric of one series.
func ownMetric(o *Output, name string) (value float64) {
	s := o.snapshot(time.Now())
	for _, m := range Metrics("") {
		if m.Name == name {
			value = m.value(&s)
		}
	}
	return value
}

// A field that SLS reserves is sent, renamed or left out, counted, and the first is logged.
func TestReservedKeys(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]string{"": `"__time__":1`, "keep": `"__time__":1`, "rename": `"record__time__":1`, "drop": `{"a":2}`} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, network testNetwork) {
				e, properties := network.startEndpoint(t, sls.Options{})
				properties["reserved_keys"] = policy
				o, h := network.startOutput(t, properties)
				const n = 3
				event := append(slices.Clone(routedTo("x")[:13]), "\x82\xa8__time__\x01\xa1a\x02"...)
				if r := deliver(t, o, bytes.Repeat(event, n)); r != OK {
					t.Errorf("result %d", r)
				}
				for _, l := range e.Logs("demo") {
					if got := string(l.Value); !strings.Contains(got, want) {
						t.Errorf("%s, want %s", got, want)
					}
				}
				if got := int64(ownMetric(o, "reserved_keys_total")); got != n || h.count(`has the field "__time__"`) != 1 {
					t.Errorf("%d fields counted, want %d; %d lines", got, n, h.count("has the field"))
				}
			})
		})
	}
}
