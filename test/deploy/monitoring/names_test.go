package monitoring

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"out_sls_kafka/plugin"
)

// metric is what a query may ask for.
type metric struct {
	counter bool
	labels  []string // in addition to those of the target
}

// targetLabels are on every series that Prometheus scraped.
var targetLabels = []string{"instance", "job"}

// fluentBit are Fluent Bit's own metrics that the queries use.
var fluentBit = map[string]metric{
	"fluentbit_input_records_total":          {counter: true, labels: []string{"name"}},
	"fluentbit_input_ingestion_paused":       {labels: []string{"name"}},
	"fluentbit_output_dropped_records_total": {counter: true, labels: []string{"name"}},
	"fluentbit_storage_chunks":               {},
	"fluentbit_storage_fs_chunks_down":       {},
}

// ownMetrics are the plugin's, by its table.
func ownMetrics() map[string]metric {
	own := make(map[string]metric)
	for _, m := range plugin.Metrics("dev") {
		labels := []string{"name"}
		if m.Label != "" {
			labels = append(labels, m.Label)
		}
		own[plugin.MetricsNamespace+"_"+plugin.MetricsSubsystem+"_"+m.Name] = metric{!m.Gauge, labels}
	}
	return own
}

// known are all metrics that a query may ask for.
func known() map[string]metric {
	all := ownMetrics()
	maps.Copy(all, fluentBit)
	return all
}

// query is what checking one query finds out.
type query struct {
	metrics map[string]bool // that it asks for
	labels  []string        // of its result
	faults  []string
}

func check(text string) query {
	q := query{metrics: make(map[string]bool)}
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		q.faultf("%v", err)
		return q
	}
	q.labels = q.labelsOf(expr, "")
	return q
}

func (q *query) faultf(format string, args ...any) {
	q.faults = append(q.faults, fmt.Sprintf(format, args...))
}

// need notes those labels that are not there.
func (q *query) need(what string, there, labels []string) {
	for _, l := range labels {
		if !slices.Contains(there, l) {
			q.faultf("%s: label %s is unknown, there are %v", what, l, there)
		}
	}
}

// labelsOf returns the labels of an expression's result and notes its faults; function is the one it is an argument of.
func (q *query) labelsOf(expr parser.Expr, function string) []string {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		return q.selected(e, function)
	case *parser.MatrixSelector:
		return q.labelsOf(e.VectorSelector, function)
	case *parser.ParenExpr:
		return q.labelsOf(e.Expr, function)
	case *parser.AggregateExpr:
		inner := q.labelsOf(e.Expr, "")
		q.need(e.String(), inner, e.Grouping)
		if e.Without {
			q.faultf("%s: without keeps labels that nobody thought of; use by", e)
		}
		if e.Op == parser.TOPK {
			return inner // it chooses series, and joins none
		}
		return e.Grouping
	case *parser.Call:
		var labels []string
		for _, arg := range e.Args {
			labels = q.labelsOf(arg, e.Func.Name)
		}
		if e.Func.Name == "absent" {
			return nil
		}
		return labels
	case *parser.BinaryExpr:
		if e.Op == parser.LUNLESS || function == newSeries {
			function = newSeries
		} else {
			function = ""
		}
		left, right := q.labelsOf(e.LHS, function), q.labelsOf(e.RHS, function)
		if m := e.VectorMatching; m != nil {
			q.need(e.String(), left, m.MatchingLabels)
			q.need(e.String(), right, m.MatchingLabels)
		}
		return left
	case *parser.NumberLiteral:
		return nil
	}
	q.faultf("%s: the test does not know a %T", expr, expr)
	return nil
}

// newSeries stands for the operator unless: a counter that begins above 0 has no increase, so a query may ask whether it
// was there before.
const newSeries = "unless"

func (q *query) selected(e *parser.VectorSelector, function string) []string {
	m, ok := known()[e.Name]
	if !ok {
		q.faultf("%s: nobody exports it", e.Name)
		return nil
	}
	q.metrics[e.Name] = true
	labels := append(slices.Clone(m.labels), targetLabels...)
	for _, matcher := range e.LabelMatchers {
		if matcher.Name != "__name__" {
			q.need(e.String(), labels, []string{matcher.Name})
		}
	}
	ofCounters := function == "rate" || function == "increase"
	if m.counter != ofCounters && function != "absent" && function != newSeries {
		q.faultf("%s: a counter goes into rate or increase, and nothing else does (here: %q)", e, function)
	}
	return labels
}

// The check must find what it is there for.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		`fluentbit_sls_kafka_up{`,
		`fluentbit_sls_kafka_down`,
		`fluentbit_sls_kafka_up{pod="a"}`,
		`fluentbit_storage_chunks{name="a"}`,
		`sum by (reason) (rate(fluentbit_sls_kafka_records_resent_total[5m]))`,
		`sum without (name) (rate(fluentbit_sls_kafka_records_resent_total[5m]))`,
		`fluentbit_sls_kafka_records_resent_total > 5`,
		`rate(fluentbit_sls_kafka_inflight_bytes[5m])`,
		`fluentbit_sls_kafka_up and on (name) fluentbit_storage_chunks`,
	} {
		if q := check(wrong); len(q.faults) == 0 {
			t.Errorf("%s: found nothing wrong with it", wrong)
		}
	}
	q := check(`sum by (name) (rate(fluentbit_sls_kafka_records_rejected_total{reason="refused", job="a"}[5m])) > 0`)
	if len(q.faults) > 0 || !slices.Equal(q.labels, []string{"name"}) {
		t.Errorf("found %v, labels %v", q.faults, q.labels)
	}
}
