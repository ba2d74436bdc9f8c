package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"out_sls_kafka/test/sls"
)

// Bounds of what is drawn of a logstore of metrics or traces.
const (
	maxDrawnLogs   = 5000 // the newest that are found
	maxDrawnSeries = 50
)

// The chart of a series, in the units of its path.
const (
	seriesWidth  = 240
	seriesHeight = 40
	seriesMargin = 2 // a line has a width
)

// point is a value of a series at a time, in nanoseconds since 1970.
type point struct {
	at    int64
	value float64
}

// series is one of a metricstore: the values of one name with the same labels.
type series struct {
	Name, Labels string
	points       []point // in the order of their times
}

// seriesSet are the series in the logs found.
type seriesSet struct {
	Shown []*series
	Total int
}

func field(fields []sls.Field, key string) string {
	for _, f := range fields {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// seriesOf returns the series in logs that have the form of a metricstore, by name and
// labels. It returns nothing if the first log has another form.
func seriesOf(logs []sls.Log) (set seriesSet) {
	known := make(map[string]*series)
	for _, l := range logs {
		fields := l.Fields()
		name, labels := field(fields, "__name__"), field(fields, "__labels__")
		at, timeErr := strconv.ParseInt(field(fields, "__time_nano__"), 10, 64)
		value, valueErr := strconv.ParseFloat(field(fields, "__value__"), 64)
		if name == "" || timeErr != nil || valueErr != nil {
			if len(known) == 0 {
				return set
			}
			continue
		}
		s := known[name+"\n"+labels]
		if s == nil {
			s = &series{Name: name, Labels: strings.NewReplacer("#$#", "=", "|", ", ").Replace(labels)}
			known[name+"\n"+labels] = s
			set.Shown = append(set.Shown, s)
		}
		s.points = append(s.points, point{at, value})
	}
	slices.SortFunc(set.Shown, func(a, b *series) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Labels, b.Labels))
	})
	set.Total = len(set.Shown)
	set.Shown = set.Shown[:min(set.Total, maxDrawnSeries)]
	for _, s := range set.Shown {
		slices.SortFunc(s.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	}
	return set
}

// ViewBox is the chart's, with room for the width of the line.
func (s *series) ViewBox() string {
	return fmt.Sprint(-seriesMargin, -seriesMargin, seriesWidth+2*seriesMargin, seriesHeight+2*seriesMargin)
}

// Last is the newest value.
func (s *series) Last() string { return number(s.points[len(s.points)-1].value) }

// Points is how many values there are.
func (s *series) Points() int { return len(s.points) }

// Range is the least and the largest value that can be drawn.
func (s *series) Range() string {
	least, most, ok := s.bounds()
	if !ok {
		return ""
	}
	return number(least) + " to " + number(most)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

func drawable(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (s *series) bounds() (least, most float64, ok bool) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, p := range s.points {
		if drawable(p.value) {
			least, most = min(least, p.value), max(most, p.value)
		}
	}
	return least, most, least <= most
}

// Line is an SVG path through the values. What is not a number leaves a gap.
func (s *series) Line() string {
	least, most, ok := s.bounds()
	if !ok {
		return ""
	}
	first, last := s.points[0].at, s.points[len(s.points)-1].at
	var path strings.Builder
	step := "M"
	for _, p := range s.points {
		if !drawable(p.value) {
			step = "M"
			continue
		}
		x, y := share(float64(p.at), float64(first), float64(last)), share(p.value, least, most)
		fmt.Fprintf(&path, "%s%.1f %.1f", step, x*seriesWidth, (1-y)*seriesHeight)
		if step == "M" {
			path.WriteString("h.1") // a value alone is a dot
		}
		step = "L"
	}
	return path.String()
}

// share returns where v is between two bounds: 0 to 1, the middle if they are equal.
func share(v, least, most float64) float64 {
	if width := most/2 - least/2; width > 0 { // halves: the whole may be infinite
		return (v/2 - least/2) / width
	}
	return 0.5
}
