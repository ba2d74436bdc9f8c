//go:build kafka

package kafka

import (
	"maps"
	"strings"
	"testing"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
)

// host is a host whose log a test can wait for.
type host struct {
	t *testing.T
	watched
	lines []string
	over  bool // the test has ended
}

// Print implements [plugin.Logger].
func (h *host) Print(_ plugin.Level, line string) {
	h.change(func() {
		if h.over {
			return
		}
		h.t.Log(line)
		h.lines = append(h.lines, line)
	})
}

// Level implements [plugin.Logger].
func (h *host) Level() plugin.Level { return plugin.LevelInfo }

// untilLogged waits for a line that holds all the words.
func (h *host) untilLogged(words ...string) {
	h.t.Helper()
	h.until(h.t, "a log line with "+strings.Join(words, ", "), func() bool { return h.line(words...) != "" })
}

// line is the first line that holds all the words. h.mu is held.
func (h *host) line(words ...string) string {
	for _, l := range h.lines {
		all := true
		for _, w := range words {
			all = all && strings.Contains(l, w)
		}
		if all {
			return l
		}
	}
	return ""
}

// options are properties of an output.
type options map[string]string

// startOutput starts an output that writes to the logstore, with the options
// given and otherwise as shipped.
func startOutput(t *testing.T, logstore string, given options) (*plugin.Output, *host) {
	t.Helper()
	properties := options{
		"project": project, "logstore": logstore, "endpoint": strings.Join(kafka.addresses(), ","),
		"access_key_id": accessID, "access_key_secret": accessKey, "tls_ca_file": kafka.caFile,
	}
	maps.Copy(properties, given)
	config, _, err := config.Parse(config.Source{
		Property: func(key string) string { return properties[key] },
		Getenv:   func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t}
	log := plugin.NewLog(h, "test")
	out, err := plugin.New(config, plugin.Env{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	log.OnPending(func() { go log.Drain() })
	log.Drain() // what came before
	t.Cleanup(func() {
		if !out.Close() {
			t.Error("the output did not end")
		}
		log.Drain()
		h.change(func() { h.over = true })
	})
	return out, h
}
