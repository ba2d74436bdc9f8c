package monitoring

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
)

const (
	recordingFile  = "testdata/outage.series"
	scrapeInterval = 5 * time.Second
	rateInterval   = "20s" // what Grafana takes at that scrape interval
)

// readRecording returns an outage as it was, and when it ends.
func readRecording(t *testing.T) (s *samples, end time.Time) {
	t.Helper()
	text, err := os.ReadFile(recordingFile)
	if err != nil {
		t.Fatal(err)
	}
	s = load(t, string(text), scrapeInterval)
	for _, series := range s.series {
		if last := time.UnixMilli(series.Floats[len(series.Floats)-1].T); last.After(end) {
			end = last
		}
	}
	return s, end
}

// curves answers one query of a panel over the recording.
func (s *samples) curves(t *testing.T, target target, end time.Time) promql.Matrix {
	t.Helper()
	return s.evaluate(t, asPrometheusSees(target.Expr), beginning, end, scrapeInterval)
}

// The recording must be of metrics as they are today.
func TestRecordingIsNotOutdated(t *testing.T) {
	t.Parallel()
	s, _ := readRecording(t)
	wantKnown(t, s)
}

// Whoever looks at the dashboard must see the outage on it, and its end.
func TestPanelsShowTheOutage(t *testing.T) {
	t.Parallel()
	s, end := readRecording(t)
	// How far down and up the curves of a panel must go.
	type bounds struct{ least, most float64 }
	want := map[string]bounds{
		"Fleet: outputs down":     {0, 1},
		"Fleet: share in trouble": {0, 1},
		"Fleet: ten oldest":       {1, 80},
		"Delivery":                {0, 1},
		"Logstores in trouble":    {0, 1},
		"Oldest chunk":            {1, 80},
		"Records lost":            {6, 6},
		"Dead letters":            {6, 6},
		"Records sent again":      {0, 20},
		"Records in and out":      {0, 1000},
		"Bytes out":               {0, 100000},
		"Inputs paused":           {0, 0},
		"Errors by kind":          {5, 2},
		"Request duration":        {0, 0.001},
		"Versions":                {1, 1},
		"Memory in flight":        {0, 1000000},
		"Chunks":                  {0, 20},
		"Spool":                   {0, 16 << 20},
		"Spool: chunks":           {0, 100},
		"Spool: in and out":       {0, 5},
	}
	for _, p := range readDashboard(t).Panels {
		least, most, last := math.Inf(1), math.Inf(-1), 0.0
		for _, target := range p.Targets {
			for _, series := range s.curves(t, target, end) {
				for _, point := range series.Floats {
					least, most, last = min(least, point.F), max(most, point.F), point.F
				}
			}
		}
		w, ok := want[p.Title]
		if !ok || least > w.least || most < w.most {
			t.Errorf("panel %q goes from %v to %v, want at least from %v to %v", p.Title, least, most, w.least, w.most)
		}
		if p.Title == "Delivery" && last != 1 {
			t.Errorf("panel %q ends at %v: the outage is not over", p.Title, last)
		}
	}
}
