package forms

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// recorder keeps what it passes on to an exporter.
type recorder struct {
	sdkmetric.Exporter
	expected series
}

func (r *recorder) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	for _, scope := range m.ScopeMetrics {
		for _, metric := range scope.Metrics {
			r.expect(metric)
		}
	}
	return r.Exporter.Export(ctx, m)
}

// expect notes the series that a metric must become.
func (r *recorder) expect(m metricdata.Metrics) {
	name := strings.ReplaceAll(m.Name, ".", "_")
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			r.add(name, p.Attributes, "", 0, float64(p.Value))
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			r.add(name, p.Attributes, "", 0, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			r.add(name, p.Attributes, "", 0, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			r.distribution(name, p.Attributes, p.Count, p.Sum)
			total := uint64(0)
			for i, n := range p.BucketCounts {
				total += n
				bound := math.Inf(1)
				if i < len(p.Bounds) {
					bound = p.Bounds[i]
				}
				r.add(name+"_bucket", p.Attributes, "le", bound, float64(total))
			}
		}
	case metricdata.ExponentialHistogram[float64]:
		for _, p := range data.DataPoints {
			r.distribution(name, p.Attributes, p.Count, p.Sum)
			bound := func(offset int32, i int) float64 {
				return math.Pow(2, float64(int(offset)+i)*math.Pow(2, -float64(p.Scale)))
			}
			total := uint64(0)
			negative := p.NegativeBucket
			for i := len(negative.Counts) - 1; i >= 0; i-- {
				total += negative.Counts[i]
				r.add(name+"_bucket", p.Attributes, "le", -bound(negative.Offset, i), float64(total))
			}
			if total += p.ZeroCount; total > 0 {
				r.add(name+"_bucket", p.Attributes, "le", p.ZeroThreshold, float64(total))
			}
			for i, n := range p.PositiveBucket.Counts {
				total += n
				r.add(name+"_bucket", p.Attributes, "le", bound(p.PositiveBucket.Offset, i+1), float64(total))
			}
			r.add(name+"_bucket", p.Attributes, "le", math.Inf(1), float64(p.Count))
		}
	default:
		panic(fmt.Sprintf("metric %s has %T", m.Name, m.Data))
	}
}

func (r *recorder) distribution(name string, attributes attribute.Set, count uint64, sum float64) {
	r.add(name+"_count", attributes, "", 0, float64(count))
	r.add(name+"_sum", attributes, "", 0, sum)
}

func (r *recorder) add(name string, attributes attribute.Set, bound string, at, value float64) {
	labels := map[string]string{"service_name": "shop", "host_name": "node-1", "pid": "42", "args": `["-v","größe"]`}
	for _, a := range attributes.ToSlice() {
		labels[strings.ReplaceAll(string(a.Key), ".", "_")] = a.Value.Emit()
	}
	if bound != "" {
		labels[bound] = fmt.Sprint(at)
	}
	r.expected[shortBounds(seriesKey(name, labels))] = value
}

var boundLabel = regexp.MustCompile(`le="([^"]+)"`)

// shortBounds rounds the bound of a bucket: two ways to compute one differ in the last
// digit.
func shortBounds(key string) string {
	return boundLabel.ReplaceAllStringFunc(key, func(label string) string {
		v, err := strconv.ParseFloat(boundLabel.FindStringSubmatch(label)[1], 64)
		if err != nil {
			return label
		}
		return fmt.Sprintf("le=%q", strconv.FormatFloat(v, 'g', 12, 64))
	})
}

// TestSDKMetrics runs the example of traces: what OpenTelemetry's SDK measured has
// landed as series, with the bounds of exponential histograms too.
func TestSDKMetrics(t *testing.T) {
	x, address := startOpenTelemetry(t)
	ctx := context.Background()
	exporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(address), otlpmetrichttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Exporter: exporter, expected: series{}}
	exponential := sdkmetric.NewView(sdkmetric.Instrument{Name: "exp.*"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}})
	p := sdkmetric.NewMeterProvider(sdkmetric.WithResource(shop), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(r)), sdkmetric.WithView(exponential))
	meter := p.Meter("shop")
	route := func(v string) metric.MeasurementOption {
		return metric.WithAttributes(attribute.String("http.route", v), attribute.Int("code", 200))
	}
	orders, _ := meter.Int64Counter("orders.total")
	orders.Add(ctx, 9007199254740991, route("/a"))
	orders.Add(ctx, 3)
	money, _ := meter.Float64Counter("money")
	money.Add(ctx, 1.25)
	depth, _ := meter.Int64UpDownCounter("queue.depth")
	depth.Add(ctx, -4, route("/b"))
	temperature, _ := meter.Float64Gauge("temperature")
	temperature.Record(ctx, -3.5)
	for _, name := range []string{"duration", "exp.duration", "exp.wide", "exp.none"} {
		h, _ := meter.Float64Histogram(name)
		values := map[string][]float64{"duration": {0, 3, 7.5, 80, 1e9}, "exp.duration": {0.5, 0.6, 0.7, 1, 1.1}, "exp.wide": {-1e-3, -7, 0, 0, 1e-9, 3, 1e12}, "exp.none": {0}}[name]
		for _, v := range values {
			h.Record(ctx, v, route("/a"))
		}
	}
	if err := p.Shutdown(ctx); err != nil { // one collection
		t.Fatal(err)
	}
	if len(r.expected) < 50 {
		t.Fatalf("%d series", len(r.expected))
	}
	eventually(t, func() string {
		got := series{}
		for _, scrape := range x.stored(t, "app-metrics") {
			for k, v := range scrape {
				maps.Copy(got, series{shortBounds(k): v})
			}
		}
		return difference(got, r.expected)
	})
	x.stop(t)
	t.Logf("%d series are equal", len(r.expected))
}
