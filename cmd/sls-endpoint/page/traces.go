package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"out_sls_kafka/test/sls"
)

const (
	maxTraces     = 5   // with the newest spans
	maxTraceSpans = 100 // of one
)

// The waterfall of a trace, in the units of its bars.
const (
	waterfallWidth = 1000
	maxIndent      = 12 // levels of spans that are shown as such
)

// maxMicros bounds times, so that their sums fit.
const maxMicros = 1 << 60

// span is a bar of a waterfall.
type span struct {
	Name, Service, Kind string
	Failed              bool
	Depth               int // of spans around it, at most maxIndent
	Left, Width         int // of waterfallWidth
	id, parent          string
	start, duration     int64 // microseconds
}

// Duration is how long the span took.
func (s *span) Duration() string { return micros(s.duration) }

func micros(n int64) string {
	if n >= 1000 {
		return fmt.Sprintf("%.4g ms", float64(n)/1000)
	}
	return fmt.Sprintf("%d µs", n)
}

// trace are the spans of one trace in the logs found.
type trace struct {
	ID     string
	Spans  []*span // parents in front of their children
	Hidden int     // spans that are not shown
	took   int64
}

// Duration is from the begin of the first span to the end of the last.
func (t *trace) Duration() string { return micros(t.took) }

// Width is the waterfall's.
func (t *trace) Width() int { return waterfallWidth }

// tracesOf returns the newest traces in logs, the newest first, that have the form of
// spans. It returns nothing if the first log has another form.
func tracesOf(logs []sls.Log) (traces []*trace) {
	known := make(map[string]*trace)
	for _, l := range logs {
		fields := l.Fields()
		id := field(fields, "traceID")
		start, startErr := strconv.ParseInt(field(fields, "start"), 10, 64)
		duration, durationErr := strconv.ParseInt(field(fields, "duration"), 10, 64)
		if id == "" || startErr != nil || durationErr != nil || start < 0 || start > maxMicros || duration < 0 || duration > maxMicros {
			if len(known) == 0 {
				return nil
			}
			continue
		}
		t := known[id]
		if t == nil {
			if len(traces) == maxTraces {
				continue
			}
			t = &trace{ID: id}
			known[id] = t
			traces = append(traces, t)
		}
		if len(t.Spans) == maxTraceSpans {
			t.Hidden++
			continue
		}
		t.Spans = append(t.Spans, &span{Name: field(fields, "name"), Service: field(fields, "service"), Kind: field(fields, "kind"),
			Failed: field(fields, "statusCode") == "ERROR", id: field(fields, "spanID"), parent: field(fields, "parentSpanID"), start: start, duration: duration})
	}
	for _, t := range traces {
		t.arrange()
	}
	return traces
}

// arrange puts the spans in order and says where their bars are. A span whose parent is
// not here stands at the edge, as do those that are each other's parents.
func (t *trace) arrange() {
	slices.SortStableFunc(t.Spans, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
	here, children := make(map[string]bool), make(map[string][]*span)
	first, last := t.Spans[0].start, int64(0)
	for _, s := range t.Spans {
		here[s.id] = true
		children[s.parent] = append(children[s.parent], s)
		last = max(last, s.start+s.duration)
	}
	t.took = last - first
	var ordered []*span
	placed := make(map[*span]bool)
	var place func(s *span, depth int)
	place = func(s *span, depth int) {
		if placed[s] {
			return
		}
		placed[s] = true
		s.Depth = min(depth, maxIndent)
		s.Left = int(float64(s.start-first) / float64(max(1, t.took)) * waterfallWidth)
		s.Width = max(2, int(float64(s.duration)/float64(max(1, t.took))*waterfallWidth))
		ordered = append(ordered, s)
		for _, child := range children[s.id] {
			place(child, depth+1)
		}
	}
	for _, s := range t.Spans {
		if s.parent == "" || !here[s.parent] {
			place(s, 0)
		}
	}
	for _, s := range t.Spans {
		place(s, 0)
	}
	t.Spans = ordered
}
