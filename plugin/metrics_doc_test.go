package plugin

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"out_sls_kafka/plugin/failure"
)

var update = flag.Bool("update", false, "write the document that is made from the table")

const (
	metricsDoc      = "../docs/operate.md"
	metricsDocBegin = "<!-- from here on made from plugin/metrics.go by: go test ./plugin -run TestMetricsDocument -update -->\n"
	metricsDocEnd   = "<!-- made up to here -->\n"
)

// The table in the document is made from the table of metrics.
func TestMetricsDocument(t *testing.T) {
	doc, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(doc), metricsDocBegin)
	_, after, ends := strings.Cut(rest, metricsDocEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks the marks %q and %q", metricsDoc, metricsDocBegin, metricsDocEnd)
	}
	var b strings.Builder
	b.WriteString("\n| metric | kind | labels | meaning |\n|---|---|---|---|\n")
	series := Metrics("")
	for i, m := range series {
		if i > 0 && series[i-1].Name == m.Name {
			continue
		}
		kind, labels := "counter", "`name`"
		if m.Gauge {
			kind = "gauge"
		}
		if m.Label != "" {
			labels += ", `" + m.Label + "`"
		}
		fmt.Fprintf(&b, "| `%s_%s_%s` | %s | %s | %s |\n", MetricsNamespace, MetricsSubsystem, m.Name, kind, labels, m.Help)
	}
	want := before + metricsDocBegin + b.String() + "\n" + metricsDocEnd + after
	if *update {
		if err := os.WriteFile(metricsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(doc) != want {
		t.Errorf("%s differs from the table of metrics: run go test ./plugin -run TestMetricsDocument -update", metricsDoc)
	}
}

// The document says of each kind of errors where to look.
func TestErrorKindsAreInTheDocument(t *testing.T) {
	doc, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range failure.AllKinds() {
		if !regexp.MustCompile("(?m)^\\|.*`" + kind.String() + "`.* \\|").Match(doc) {
			t.Errorf("%s does not say what errors of kind %v are", metricsDoc, kind)
		}
	}
}
