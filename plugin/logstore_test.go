package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/plugin/config"
)

func newStores(parseJSON bool) *logstores {
	l := new(logstores)
	c := &config.Config{Logstore: "demo", ParseJSON: parseJSON}
	c.Encoding.RouteField = "ns"
	l.open(c, func(*logstore) {})
	return l
}

func TestFindLogstore(t *testing.T) {
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
		stores := newStores(row.parseJSON)
		for range 2 { // looked at, and remembered
			if got := stores.find([]byte(row.route), time.Now()); got.topic != row.topic || got.name != row.logstore {
				t.Errorf("%q: topic %q, logstore %q, want %q, %q", row.route, got.topic, got.name, row.topic, row.logstore)
			}
		}
	}
}

// Names that nobody confirmed are bounded, and so are the values remembered. It is not
// parallel: it counts allocations.
func TestNamesAreBounded(t *testing.T) {
	l := newStores(false)
	for i := range 3 * maxRoutes {
		l.find([]byte(fmt.Sprintf("No Such Name %d", i)), time.Now())
	}
	found := 0
	for i := range 3 * maxUnknownNames {
		if l.find([]byte(fmt.Sprintf("logstore-%d", i)), time.Now()) != nil {
			found++
		}
	}
	if found != maxUnknownNames {
		t.Errorf("%d unknown names, want %d", found, maxUnknownNames)
	}
	long := []byte(strings.Repeat("Long", 25_000))
	l.find(long, time.Now())
	if _, kept := l.routes[string(long)]; kept {
		t.Error("a value of 100 KB is remembered")
	}
	if n := len(l.routes); n > maxRoutes {
		t.Errorf("%d values are remembered, at most %d may be", n, maxRoutes)
	}
	known := []byte("logstore-1")
	if n := testing.AllocsPerRun(100, func() { l.find(known, time.Now()) }); n != 0 {
		t.Errorf("%v allocations for a known name", n)
	}
	// One that the service confirms makes room for another; idle ones are forgotten.
	l.found(l.find(known, time.Now()))
	if l.find([]byte("another"), time.Now()) == nil {
		t.Error("no room for another name")
	}
	l.forget(time.Now().Add(2*unknownIdleTimeout), func(to *logstore) bool { return to.name == "another" })
	if n, room := l.names(); n != 3 || !room { // the option, the known one, the one in use
		t.Errorf("%d names are left (another is remembered: %v)", n, room)
	}
}

// A logstore that was looked up a moment ago is not forgotten, whenever it was used
// first: a chunk may be about to wait for it, and nobody would wake the chunk.
func TestLogstoreLookedUpIsKept(t *testing.T) {
	t.Parallel()
	l, start := newStores(false), time.Now()
	to := l.find([]byte("some"), start)
	unused := func(*logstore) bool { return false }
	l.find([]byte("some"), start.Add(unknownIdleTimeout))
	if l.forget(start.Add(unknownIdleTimeout+time.Second), unused) != nil || l.ofTopic(to.topic) != to {
		t.Error("it is forgotten a second after it was looked up")
	}
	if len(l.forget(start.Add(2*unknownIdleTimeout+time.Second), unused)) != 1 {
		t.Error("it is never forgotten")
	}
}
