package monitoring

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

const alertsFile = "../../../deploy/monitoring/alerts.yaml"

// readAlerts returns the rules, which Prometheus' own reader must accept.
func readAlerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, promQL)
	for _, err := range errs {
		t.Error(err)
	}
	if len(errs) > 0 {
		t.FailNow()
	}
	var rules []rulefmt.Rule
	for _, g := range groups.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) == 0 {
		t.Fatalf("%s has no rules", alertsFile)
	}
	return rules
}

func TestAlertQueries(t *testing.T) {
	t.Parallel()
	inText := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, r := range readAlerts(t) {
		q := check(r.Expr)
		for _, kind := range []string{"summary", "description"} {
			if r.Annotations[kind] == "" {
				q.faultf("it has no %s", kind)
			}
			for _, name := range inText.FindAllStringSubmatch(r.Annotations[kind], -1) {
				q.need(kind, q.labels, name[1:])
			}
		}
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			q.faultf("its severity is %q", s)
		}
		for _, fault := range q.faults {
			t.Errorf("alert %s: %s", r.Alert, fault)
		}
	}
}

// Every alert must be explained where a person looks who is woken by it.
func TestAlertsAreInTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readAlerts(t) {
		if !strings.Contains(string(doc), "\n### "+r.Alert+"\n") {
			t.Errorf("docs/operate.md does not say what to do at %s", r.Alert)
		}
		if want := "/docs/operate.md#" + strings.ToLower(r.Alert); !strings.HasSuffix(r.Annotations["runbook_url"], want) {
			t.Errorf("the runbook_url of %s is %q, want one that ends in %s", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
}

// firings evaluates a rule once a minute, as Prometheus does: it says from when to when the alert fires, in minutes, with
// which labels, and checks what its texts come to.
func firings(t *testing.T, r rulefmt.Rule, s *samples, minutes int) (fired []string) {
	t.Helper()
	end := beginning.Add(time.Duration(minutes) * time.Minute)
	for _, series := range s.evaluate(t, r.Expr, beginning, end, time.Minute) {
		expand(t, r, series)
		report := func(from, to int64) {
			from += time.Duration(r.For).Milliseconds()
			if from <= to {
				l := labels.NewBuilder(series.Metric).Del(model.MetricNameLabel, "job").Labels()
				fired = append(fired, fmt.Sprintf("%s%v %d-%d", r.Alert, l, minuteOf(from), minuteOf(to)))
			}
		}
		from, last := series.Floats[0].T, series.Floats[0].T
		for _, p := range series.Floats {
			if p.T-last > time.Minute.Milliseconds() {
				report(from, last)
				from = p.T
			}
			last = p.T
		}
		report(from, last)
	}
	return fired
}

func minuteOf(ms int64) int { return int(time.UnixMilli(ms).Sub(beginning).Minutes()) }

func expand(t *testing.T, r rulefmt.Rule, series promql.Series) {
	t.Helper()
	for kind, text := range r.Annotations {
		data := template.AlertTemplateData(series.Metric.Map(), nil, "", promql.Sample{F: series.Floats[0].F})
		text = "{{$labels := .Labels}}{{$value := .Value}}" + text
		got, err := template.NewTemplateExpander(t.Context(), text, r.Alert, data, 0, nil, nil, []string{"missingkey=error"}).Expand()
		if err != nil || strings.Contains(got, "<no value>") {
			t.Errorf("%s of %s: %q (error %v)", kind, r.Alert, got, err)
		}
	}
}

// healthy is an output a at work, a scrape a minute for two hours.
const healthy = `
fluentbit_sls_kafka_up{job="j",instance="i",name="a"} 1x120
fluentbit_sls_kafka_last_acknowledged_seconds{job="j",instance="i",name="a"} 1x120
fluentbit_sls_kafka_inflight_chunks{job="j",instance="i",name="a"} 2x120
fluentbit_sls_kafka_records_rejected_total{job="j",instance="i",name="a",reason="too_large"} 0x120
fluentbit_output_dropped_records_total{job="j",instance="i",name="a"} 0x120
fluentbit_sls_kafka_spool_bytes{job="j",instance="i",name="a"} 0x120
fluentbit_sls_kafka_spool_limit_bytes{job="j",instance="i",name="a"} 1000x120
fluentbit_sls_kafka_spool_damaged_total{job="j",instance="i",name="a"} 0x120
fluentbit_storage_chunks{job="j",instance="i"} 20x120
`

func TestAlertsFire(t *testing.T) {
	t.Parallel()
	// of makes lines of series for one output, or without a name for one Fluent Bit.
	of := func(name, metric, values string) string {
		if name == "" {
			return fmt.Sprintf("%s{job=\"j\",instance=\"i\"} %s\n", metric, values)
		}
		return fmt.Sprintf("%s{job=\"j\",instance=\"i\",name=%q} %s\n", metric, name, values)
	}
	const (
		up      = "fluentbit_sls_kafka_up"
		age     = "fluentbit_sls_kafka_last_acknowledged_seconds"
		chunks  = "fluentbit_sls_kafka_inflight_chunks"
		dropped = "fluentbit_output_dropped_records_total"
		backlog = "fluentbit_storage_chunks"
		stores  = "fluentbit_sls_kafka_logstores_in_trouble"
		oldest  = "fluentbit_sls_kafka_oldest_chunk_seconds"
		lost    = "fluentbit_sls_kafka_dead_letters_lost_total"
		deleted = "fluentbit_sls_kafka_dead_letters_deleted_total"
		spooled = "fluentbit_sls_kafka_spool_bytes"
		limit   = "fluentbit_sls_kafka_spool_limit_bytes"
		damaged = "fluentbit_sls_kafka_spool_damaged_total"
	)
	rejected := func(values string) string {
		return `fluentbit_sls_kafka_records_rejected_total{job="j",instance="i",name="b",reason="too_large"} ` + values + "\n"
	}
	// fleet is ten outputs more; the first n have these values.
	fleet := func(metric string, n int, values, others string) (series string) {
		for i := range 10 {
			v := others
			if i < n {
				v = values
			}
			series += fmt.Sprintf("%s{job=\"f\",instance=\"n%d\",name=\"a\"} %s\n", metric, i, v)
		}
		return series
	}
	for _, tt := range []struct {
		name, series string
		want         []string
	}{
		{"all is well", healthy, nil},
		{"nothing to send for hours", healthy + of("b", age, "0+60x120") + of("b", chunks, "0x120"), nil},
		{"a chunk now and then", healthy + of("b", age, "0+60x120") + of("b", chunks, "0 0 0 1 0 0 0 0 0 1 1 0 0 1 0 0 0 1x2 0x90"), nil},
		{"an outage of four minutes", healthy + of("b", up, "1x9 0x3 1x100"), nil},
		{"an outage of twenty minutes, of one of two outputs",
			healthy + of("b", up, "1x9 0x19 1x90") + of("b", age, "1x9 0+60x19 1x90") + of("b", chunks, "1x9 8x19 1x90"),
			[]string{`SlsKafkaDown{instance="i", name="b"} 15-29`, `SlsKafkaNotAcknowledging{instance="i", name="b"} 21-29`}},
		{"no answer, and nobody noticed", healthy + of("b", up, "1x120") + of("b", age, "1x9 0+60x19 1x90") + of("b", chunks, "8x120"),
			[]string{`SlsKafkaNotAcknowledging{instance="i", name="b"} 21-29`}},
		{"three records too large", healthy + rejected("0x19 3x100"), []string{`SlsKafkaRejecting{instance="i", name="b", reason="too_large"} 20-28`}},
		{"a reload sets the counters back", healthy + rejected("7x19 0x100") + of("b", up, "1x120") + of("b", dropped, "9x19 0x100"), nil},
		{"a logstore in trouble for twenty minutes", healthy + of("a", stores, "0x9 2x19 0x90"), []string{`SlsKafkaLogstoreInTrouble{instance="i", name="a"} 20-29`}},
		{"a logstore in trouble now and then", healthy + of("a", stores, "0x9 1x5 0 1x8 0x90"), nil},
		{"a chunk that waits for half an hour", healthy + of("a", oldest, "1x9 0+60x30 1x90"), []string{`SlsKafkaRecordsLate{instance="i", name="a"} 26-40`}},
		{"rejected records that are lost", healthy + of("a", lost, "0x19 3x100") + of("a", deleted, "0x120"), []string{`SlsKafkaDeadLettersLost{instance="i", name="a"} 20-28`}},
		{"rejected records that are deleted", healthy + of("a", lost, "0x120") + of("a", deleted, "0x19 900x100"), []string{`SlsKafkaDeadLettersLost{instance="i", name="a"} 20-28`}},
		{"a spool over four fifths of its limit for twenty minutes", healthy + of("b", spooled, "0x9 801x19 0x90") + of("b", limit, "1000x120"),
			[]string{`SlsKafkaSpoolFills{instance="i", name="b"} 15-29`}},
		{"a spool at four fifths", healthy + of("b", spooled, "800x120") + of("b", limit, "1000x120"), nil},
		{"a spool that was nearly full for four minutes", healthy + of("b", spooled, "0x9 999x3 500x100") + of("b", limit, "1000x120"), nil},
		{"no spool", healthy + of("b", spooled, "0x120") + of("b", limit, "0x120"), nil},
		{"damaged places in a spool", healthy + of("b", damaged, "0x19 2x100"), []string{`SlsKafkaSpoolDamaged{instance="i", name="b"} 20-28`}},
		{"damaged places that a new pod finds at its start", healthy + of("b", damaged, "_x19 3x100"), []string{`SlsKafkaSpoolDamaged{instance="i", name="b"} 19-28`}},
		{"a new pod with a sound spool", healthy + of("b", damaged, "_x19 0x100"), nil},
		{"records dropped", healthy + of("b", up, "1x120") + of("b", dropped, "0x19 500x100"), []string{`SlsKafkaDropped{instance="i", name="b"} 20-28`}},
		{"records of another plugin dropped", healthy + of("stdout.0", dropped, "0x19 500x100"), nil},
		{"a large backlog that does not grow", strings.Replace(healthy, "20x120", "900x120", 1), nil},
		{"a backlog that grows for an hour", strings.Replace(healthy, "20x120", "0+10x60 600-100x6 0x50", 1), []string{`SlsKafkaBacklogGrows{instance="i"} 26-62`}},
		{"the backlog of a Fluent Bit without the plugin", healthy + strings.ReplaceAll(of("", backlog, "0+10x120"), `"i"`, `"k"`), nil},
		{"one of ten nodes is down for four minutes", fleet(up, 1, "1x9 0x3 1x100", "1x120"), nil},
		{"two of ten nodes are down, and late", fleet(up, 2, "1x9 0x19 1x90", "1x120") + fleet(oldest, 2, "0x9 1000x19 0x90", "1x120"), []string{
			`SlsKafkaDown{instance="n0", name="a"} 15-29`, `SlsKafkaDown{instance="n1", name="a"} 15-29`, `SlsKafkaFleetDown{} 15-29`, `SlsKafkaFleetLate{} 15-29`,
			`SlsKafkaRecordsLate{instance="n0", name="a"} 10-29`, `SlsKafkaRecordsLate{instance="n1", name="a"} 10-29`}},
		{"one of ten is not a fleet", fleet(up, 1, "1x9 0x19 1x90", "1x120"), []string{`SlsKafkaDown{instance="n0", name="a"} 15-29`}},
		{"the only Fluent Bit is gone", of("a", up, "1x20"), []string{`SlsKafkaAbsent{} 35-120`}},
		{"the plugin was never there", of("", backlog, "5x120"), []string{`SlsKafkaAbsent{} 10-120`}},
		{"it is back before anyone is woken", of("a", up, "1x20 _x10 1x90"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, tt.series, time.Minute)
			var got []string
			for _, r := range readAlerts(t) {
				got = append(got, firings(t, r, s, 120)...)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("these fire:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
