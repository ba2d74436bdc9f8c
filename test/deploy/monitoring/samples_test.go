package monitoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

var (
	promQL = parser.NewParser(parser.Options{})
	engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 10e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: promQL})
)

// samples are what a Prometheus would have stored. They implement [storage.Queryable].
type samples struct {
	series []promql.Series
	index  map[string]int              // by the text of the labels
	kinds  map[string]model.MetricType // by the metric's name
}

func newSamples() *samples {
	return &samples{index: make(map[string]int), kinds: make(map[string]model.MetricType)}
}

func (s *samples) add(l labels.Labels, at time.Time, value float64) {
	key := l.String()
	i, ok := s.index[key]
	if !ok {
		i = len(s.series)
		s.index[key] = i
		s.series = append(s.series, promql.Series{Metric: l})
	}
	s.series[i].Floats = append(s.series[i].Floats, promql.FPoint{T: at.UnixMilli(), F: value})
}

// scraped takes in the text that a target answered, whose labels are added as Prometheus does.
func (s *samples) scraped(text []byte, at time.Time, job, instance string) error {
	p := textparse.NewPromParser(text, labels.NewSymbolTable(), false)
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("scraped text: %w", err)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			if before, again := s.kinds[string(name)]; again && before != kind {
				return fmt.Errorf("metric %s is a %s and a %s", name, before, kind)
			}
			s.kinds[string(name)] = kind
		case textparse.EntrySeries:
			var l labels.Labels
			p.Labels(&l)
			b := labels.NewBuilder(l)
			b.Set("job", job)
			b.Set("instance", instance)
			_, _, value := p.Series()
			s.add(b.Labels(), at, value)
		}
	}
}

// beginning is when series of load begin.
var beginning = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// load returns series in Prometheus' notation for tests, one a line, such as up{job="a"} 1x5 0 0; _ is a scrape without
// the series. Lines with a # in front are comments.
func load(t *testing.T, text string, step time.Duration) *samples {
	t.Helper()
	s := newSamples()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		l, values, err := promQL.ParseSeriesDesc(line)
		if err != nil {
			t.Fatalf("series %s: %v", line, err)
		}
		for i, v := range values {
			if !v.Omitted {
				s.add(l, beginning.Add(time.Duration(i)*step), v.Value)
			}
		}
	}
	return s
}

// save is the text from which load makes the series again; each scrape was about step after the one before.
func (s *samples) save(start time.Time, step time.Duration) string {
	var lines []string
	for _, series := range s.series {
		var line strings.Builder
		line.WriteString(series.Metric.String())
		next := 0
		for _, p := range series.Floats {
			scrape := int(time.UnixMilli(p.T).Sub(start.Truncate(time.Millisecond)).Round(step) / step)
			for ; next < scrape; next++ {
				line.WriteString(" _")
			}
			fmt.Fprintf(&line, " %s", strconv.FormatFloat(p.F, 'g', 8, 64))
			next++
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// labelsOf returns the names of the labels that every series of a metric has, nil for a metric without series.
func (s *samples) labelsOf(metric string) []string {
	var names []string
	for i := range s.series {
		l := s.series[i].Metric
		if l.Get(model.MetricNameLabel) != metric {
			continue
		}
		if names == nil {
			l.Range(func(l labels.Label) { names = append(names, l.Name) })
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == model.MetricNameLabel || !l.Has(name) })
	}
	return names
}

// evaluate answers a query for each step from start to end.
func (s *samples) evaluate(t *testing.T, query string, start, end time.Time, step time.Duration) promql.Matrix {
	t.Helper()
	q, err := engine.NewRangeQuery(t.Context(), s, nil, query, start, end, step)
	if err != nil {
		t.Fatalf("query %s: %v", query, err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	if result.Err != nil || len(result.Warnings) > 0 {
		t.Fatalf("query %s: %v, warnings %v", query, result.Err, result.Warnings)
	}
	m, err := result.Matrix()
	if err != nil {
		t.Fatalf("query %s: %v", query, err)
	}
	copied := make(promql.Matrix, len(m)) // Close takes the points back
	for i, series := range m {
		copied[i] = promql.Series{Metric: series.Metric, Floats: slices.Clone(series.Floats)}
	}
	return copied
}

// Querier implements [storage.Queryable].
func (s *samples) Querier(int64, int64) (storage.Querier, error) { return querier{s}, nil }

type querier struct{ of *samples }

// Select implements [storage.Querier].
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &seriesSet{at: -1}
	for _, series := range q.of.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Metric.Get(m.Name)) }) {
			found.series = append(found.series, series)
		}
	}
	slices.SortFunc(found.series, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	return found
}

// LabelValues implements [storage.LabelQuerier]; the engine does not ask.
func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

// LabelNames implements [storage.LabelQuerier]; the engine does not ask.
func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.ErrUnsupported
}

// Close implements [storage.Querier].
func (querier) Close() error { return nil }

// seriesSet implements [storage.SeriesSet].
type seriesSet struct {
	series []promql.Series
	at     int
}

func (s *seriesSet) Next() bool {
	s.at++
	return s.at < len(s.series)
}

func (s *seriesSet) At() storage.Series { return stored{promql.NewStorageSeries(s.series[s.at])} }

func (s *seriesSet) Err() error { return nil }

func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// stored makes a new iterator each time: the engine would hand in one of another kind.
type stored struct{ *promql.StorageSeries }

func (s stored) Iterator(chunkenc.Iterator) chunkenc.Iterator { return s.StorageSeries.Iterator(nil) }
