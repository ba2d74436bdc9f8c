package forms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"out_sls_kafka/test/sls"
)

type object = map[string]any

// shop is the resource of what the tests send.
var shop = resource.NewSchemaless(attribute.String("service.name", "shop"), attribute.String("host.name", "node-1"),
	attribute.Int("pid", 42), attribute.StringSlice("args", []string{"-v", "größe"}))

// startOpenTelemetry runs the example of traces and returns the address of its input.
func startOpenTelemetry(t *testing.T) (x *example, address string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	_, port, _ := strings.Cut(address, ":")
	x = startExample(t, "records.md", "logstore_traces  shop-traces", []string{"app-logs", "app-metrics", "shop-traces"},
		[]string{"0.0.0.0", "127.0.0.1", "4318", port}, "")
	x.process.Await("listening on", 1, limit)
	return x, address
}

// makeSpans makes spans of every kind, with all that a span can have.
func makeSpans(p *sdktrace.TracerProvider) {
	ctx, begin := context.Background(), time.Unix(1_700_000_000, 123_456_789)
	state, _ := trace.ParseTraceState("vendor=a:b,other=1")
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xaa, 1}, SpanID: trace.SpanID{0xbb, 2}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	tracer := p.Tracer("shop/http", trace.WithInstrumentationVersion("1.2.3"))
	parent, root := tracer.Start(trace.ContextWithSpanContext(ctx, remote), "GET /größe\n\"x\"", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(begin))
	root.SetAttributes(attribute.String("s", "x"), attribute.String("empty", ""), attribute.Int64("i", 9007199254740993), attribute.Int64("negative", -7), attribute.Float64("d", 1.5),
		attribute.Bool("b", true), attribute.StringSlice("ss", []string{"a", "b"}), attribute.Int64Slice("is", []int64{1, -2}), attribute.Float64Slice("ds", []float64{0.25}), attribute.BoolSlice("bs", []bool{true, false}))
	root.AddEvent("retry", trace.WithTimestamp(begin.Add(time.Millisecond)), trace.WithAttributes(attribute.Int("n", 2)))
	root.RecordError(errors.New("broke"), trace.WithTimestamp(begin.Add(2*time.Millisecond)))
	for i, kind := range []trace.SpanKind{trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer, trace.SpanKindInternal} {
		_, child := p.Tracer("shop/"+kind.String()).Start(parent, kind.String(), trace.WithSpanKind(kind), trace.WithTimestamp(begin.Add(time.Duration(i)*time.Microsecond)),
			trace.WithLinks(trace.Link{SpanContext: root.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("why", "because")}}, trace.Link{SpanContext: remote}))
		child.SetStatus([]codes.Code{codes.Error, codes.Ok, codes.Unset, codes.Error}[i], "time out")
		child.End(trace.WithTimestamp(begin.Add(1234567 * time.Nanosecond)))
	}
	root.SetStatus(codes.Ok, "")
	root.End(trace.WithTimestamp(begin.Add(time.Second)))
	for i := range 500 { // several requests
		_, span := tracer.Start(parent, fmt.Sprintf("span %d", i), trace.WithTimestamp(begin))
		span.End(trace.WithTimestamp(begin.Add(time.Duration(i))))
	}
}

func attributes(all []attribute.KeyValue) object {
	o := object{}
	for _, a := range all {
		o[string(a.Key)] = a.Value.AsInterface()
	}
	return o
}

func orEmpty(valid bool, id fmt.Stringer) string {
	if !valid {
		return ""
	}
	return id.String()
}

// expectedSpan is the record that a span of the SDK must become.
func expectedSpan(s tracetest.SpanStub) object {
	res := attributes(s.Resource.Attributes())
	host, service := res["host.name"], res["service.name"]
	delete(res, "host.name")
	delete(res, "service.name")
	links, events := []any{}, []any{}
	for _, l := range s.Links { // the SDK does not send their trace state
		links = append(links, object{"traceID": l.SpanContext.TraceID().String(), "spanID": l.SpanContext.SpanID().String(), "attribute": attributes(l.Attributes)})
	}
	for _, e := range s.Events {
		events = append(events, object{"name": e.Name, "time": e.Time.UnixNano(), "attribute": attributes(e.Attributes)})
	}
	return object{"host": host, "service": service, "resource": res, "otlp.name": s.InstrumentationScope.Name, "otlp.version": s.InstrumentationScope.Version,
		"name": s.Name, "kind": s.SpanKind.String(), "traceID": s.SpanContext.TraceID().String(), "spanID": s.SpanContext.SpanID().String(),
		"parentSpanID": orEmpty(s.Parent.SpanID().IsValid(), s.Parent.SpanID()), "links": links, "logs": events, "traceState": s.SpanContext.TraceState().String(),
		"start": s.StartTime.UnixNano() / 1000, "end": s.EndTime.UnixNano() / 1000, "duration": s.EndTime.Sub(s.StartTime).Nanoseconds() / 1000,
		"attribute": attributes(s.Attributes), "statusCode": strings.ToUpper(s.Status.Code.String()), "statusMessage": s.Status.Description}
}

// decoded returns the value as JSON has it, with the digits of its numbers.
func decoded(t *testing.T, text []byte) (v object) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestSpans runs the example of traces: each span that OpenTelemetry's SDK made has
// landed once, equal field by field, although the service refuses the first requests.
func TestSpans(t *testing.T) {
	x, address := startOpenTelemetry(t)
	if err := x.endpoint.SetFault(sls.Fault{Name: kerr.KafkaStorageError.Message, Logstore: "shop-traces", Count: 3}); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	made := tracetest.NewInMemoryExporter()
	p := sdktrace.NewTracerProvider(sdktrace.WithResource(shop), sdktrace.WithSyncer(made), sdktrace.WithBatcher(exporter, sdktrace.WithMaxExportBatchSize(100)))
	makeSpans(p)
	spans := made.GetSpans()
	if err := p.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		if n := x.endpoint.Count("shop-traces"); n < len(spans) {
			return fmt.Sprintf("%d spans of %d", n, len(spans))
		}
		return ""
	})
	x.stop(t)
	got := map[string]object{}
	for _, log := range x.endpoint.Logs("shop-traces") {
		span := decoded(t, log.Value)
		id := fmt.Sprint(span["spanID"])
		if got[id] != nil {
			t.Errorf("span %s landed twice", id)
		}
		if end, _ := span["end"].(json.Number).Int64(); log.Time.UnixMilli() != end/1000 {
			t.Errorf("span %s has the time %v and the end %d", id, log.Time, end)
		}
		got[id] = span
	}
	if len(spans) < 500 || len(got) != len(spans) || x.endpoint.Count("app-logs") != 0 {
		t.Errorf("%d spans landed, %d were made; %d logs", len(got), len(spans), x.endpoint.Count("app-logs"))
	}
	kinds := map[any]int{}
	for _, s := range spans {
		text, err := json.Marshal(expectedSpan(s))
		if err != nil {
			t.Fatal(err)
		}
		want, span := decoded(t, text), got[s.SpanContext.SpanID().String()]
		kinds[span["kind"]]++
		for field, v := range want {
			if !reflect.DeepEqual(span[field], v) {
				t.Errorf("span %q: %s is %v, want %v", s.Name, field, span[field], v)
			}
		}
		if len(span) != len(want) {
			t.Errorf("span %q has %d fields, want %d", s.Name, len(span), len(want))
		}
	}
	if faults := x.endpoint.Faults(); len(faults) > 0 {
		t.Errorf("the service did not refuse enough: %v", faults)
	}
	if len(kinds) != 5 {
		t.Errorf("kinds %v", kinds)
	}
	t.Logf("%d spans are equal", len(spans))
}
