package plugin

import (
	"fmt"
	"strings"
	"testing"

	"out_sls_kafka/plugin/config"
)

func TestRouter(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		parseJSON              bool
		route, topic, logstore string
	}{
		{true, "kube-system", "kube-system.json", "kube-system"},
		{false, "kube-system", "kube-system", "kube-system"},
		{true, "No Such Name", "demo.json", "demo"},
		{true, "ab", "demo.json", "demo"},
		{true, "app.json", "demo.json", "demo"},
		{false, "", "demo", "demo"},
		{true, strings.Repeat("a", 63), strings.Repeat("a", 63) + ".json", strings.Repeat("a", 63)},
		{true, strings.Repeat("a", 64), "demo.json", "demo"},
	} {
		topics := router{cfg: &config.Config{Logstore: "demo", ParseJSON: row.parseJSON}}
		for range 2 { // looked at, and remembered
			if got := topics.topicFor([]byte(row.route)); got != row.topic || topics.cfg.LogstoreOf(got) != row.logstore {
				t.Errorf("%q: topic %q, logstore %q, want %q, %q", row.route, got, topics.cfg.LogstoreOf(got), row.topic, row.logstore)
			}
		}
	}
}

// It is not parallel: it counts allocations.
func TestRouterIsBounded(t *testing.T) {
	topics := router{cfg: &config.Config{Logstore: "demo"}}
	for i := range 3 * maxRoutes {
		name := fmt.Sprintf("logstore-%d", i)
		if got := topics.topicFor([]byte(name)); got != name {
			t.Fatalf("topic %q, want %q", got, name)
		}
	}
	long := []byte(strings.Repeat("Long", 25_000))
	topics.topicFor(long)
	if _, kept := topics.topics[string(long)]; kept {
		t.Error("a value of 100 KB is remembered")
	}
	if n := len(topics.topics); n > maxRoutes {
		t.Errorf("%d names are remembered, at most %d may be", n, maxRoutes)
	}
	known := []byte("logstore-x")
	topics.topicFor(known)
	if n := testing.AllocsPerRun(100, func() { topics.topicFor(known) }); n != 0 {
		t.Errorf("%v allocations for a known name", n)
	}
}
