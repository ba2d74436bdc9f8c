package plugin

import (
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// Records whose logstore logstore_allowed does not have go to the option logstore, and
// count once each, however often their chunk waits for room; a line a minute tells of
// them.
func TestLogstoreAllowed(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "team-a", "team-b", "other", "victim"}, DiscardLogs: true})
		o, m := network.startMetered(t, storeProperties(properties, "logstore_allowed", "other, team-*", "buffer_limit", "1M"))
		lines := []string{"victim", "team-a", "demo", "team-", "Team-a", "", strings.Repeat("team-", 100), "other", "team-b", "otherwise"}
		want := map[string]int{"team-a": 1, "team-b": 1, "other": 1, "victim": 0, "demo": 7}
		const strays, flushesGiven = 5, 40
		f := newFlushes(t, o)
		e.DelayAcks(2 * time.Second)
		for range flushesGiven {
			f.give("x", routedEvents(len(lines), strings.Repeat("x", 8000), func(i int) string { return lines[i] }))
		}
		if _, waiting := o.admission.load(); waiting == 0 {
			t.Error("no chunk waits for room: the test is about those that do")
		}
		f.wg.Wait()
		for logstore, n := range want {
			if got := e.Count(logstore); got != n*flushesGiven {
				t.Errorf("%d records in %s, want %d", got, logstore, n*flushesGiven)
			}
		}
		o.metrics.tick(time.Now())
		m.want(map[string]float64{"records_not_allowed_total": strays * flushesGiven, "logstores_in_trouble": 0})
	})
}

// The line comes once a minute, and counts those that got none.
func TestLineOfStrays(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, o, h, f := network.startStores(t, sls.Options{Logstores: []string{"demo"}, DiscardLogs: true}, "logstore_allowed", "team-*")
		for range 150 {
			f.give("x", routedEvents(2, "x", func(int) string { return "vic\ntim" }))
			time.Sleep(time.Second)
		}
		f.wg.Wait()
		const line = `record of tag "tag.x" goes to logstore demo: logstore_allowed does not have "vic\ntim", which logstore_key found (and `
		if n := h.count(line); n != 3 || h.count(line+"1 more") != 1 || h.count(line+"119 more") != 2 {
			t.Errorf("%d lines: %s", n, h.text())
		}
		if n := o.stats.strays.Load(); n != 300 {
			t.Errorf("%d records counted, want 300", n)
		}
	})
}

// What is wrong stands in the line, however long the tag is.
func TestLinesOfALongTag(t *testing.T) {
	t.Parallel()
	tag := strings.Repeat("a", 1<<20)
	for name, row := range map[string]struct {
		options []string
		chunk   func(t *testing.T) []byte
		line    string
	}{
		"not allowed": {[]string{"logstore_allowed", "team-*"}, func(*testing.T) []byte {
			return routedEvents(1, "x", func(int) string { return strings.Repeat("victim", 10_000) })
		}, "which logstore_key found"},
		"no key": {[]string{"logstore_key", "$absent"}, func(*testing.T) []byte { return events(0, 1, "x") },
			"logstore_key found nothing; others are not logged"},
		"traces": {nil, func(t *testing.T) []byte { return tracesChunk(t, 1) }, "because logstore_traces is not set; others"},
	} {
		t.Run(name, bubbled(func(t *testing.T, network testNetwork) {
			_, o, h, _ := network.startStores(t, sls.Options{Logstores: []string{"demo"}, DiscardLogs: true}, row.options...)
			w, chunk := make(channelWaker, 1), row.chunk(t)
			if r := await(o.Submit(tag, chunk, w, false), w, chunk); r != OK {
				t.Errorf("result %d", r)
			}
			h.wait(row.line)
		}))
	}
}

// The tag decides where a record goes, whatever the record says.
func TestLogstoreOfTag(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{Logstores: []string{"demo", "k8s-shop", "victim"}, DiscardLogs: true})
		properties = storeProperties(properties)
		properties["logstore_key"] = "k8s-$TAG['namespace']"
		o, h := network.startOutput(t, properties)
		id := strings.Repeat("0123456789abcdef", 4)
		for tag, logstore := range map[string]string{
			"kube.var.log.containers.web-0_shop_app-" + id + ".log":          "k8s-shop",
			"kube.var.log.containers.v.web-0_shop_app-" + id + ".log":        "k8s-shop",
			"kube.var.log.containers.web-0_Shop_app-" + id + ".log":          "demo",
			"kube.var.log.containers.web-0_shop\n_app-" + id + ".log":        "demo",
			"kube.var.log.containers." + strings.Repeat("a", 1<<20) + ".log": "demo",
			"": "demo",
		} {
			before := e.Count(logstore)
			chunk := routedEvents(3, "x", func(int) string { return "victim" })
			w := make(channelWaker, 1)
			if r := await(o.Submit(tag, chunk, w, false), w, chunk); r != OK {
				t.Errorf("%.100q: result %d", tag, r)
			}
			if e.Count(logstore) != before+3 || e.Count("victim") > 0 {
				t.Errorf("%.100q: %d records in %s, %d in the other", tag, e.Count(logstore)-before, logstore, e.Count("victim"))
			}
		}
		const line = "goes to logstore demo: logstore_key found nothing; others are not logged"
		h.wait(line)
		if n := h.count(line); n != 1 {
			t.Errorf("%d lines say that some are without a logstore", n)
		}
	})
}
