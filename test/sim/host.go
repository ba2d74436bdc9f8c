package sim

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"out_sls_kafka/plugin"
)

// host is Fluent Bit's logger.
type host struct {
	start time.Time

	mu    sync.Mutex
	lines []string
}

// keptLines bounds what a simulation keeps of the log.
const keptLines = 4000

// Print implements [plugin.Logger].
func (h *host) Print(_ plugin.Level, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.lines) < keptLines {
		h.lines = append(h.lines, time.Since(h.start).Round(time.Millisecond).String()+" "+line)
	}
}

// since returns the lines after the first n.
func (h *host) since(n int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines[n:])
}

// count is how many lines there are.
func (h *host) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

func (h *host) has(words string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.lines, func(line string) bool { return strings.Contains(line, words) })
}

// Level implements [plugin.Logger].
func (h *host) Level() plugin.Level { return plugin.LevelInfo }

// numbers are the output's time series.
type numbers struct {
	mu     sync.Mutex
	table  []plugin.Metric
	values []float64
}

// Create implements [plugin.MetricSink].
func (n *numbers) Create(table []plugin.Metric) bool {
	n.table, n.values = table, make([]float64, len(table))
	return true
}

// Set implements [plugin.MetricSink].
func (n *numbers) Set(_ time.Time, values []float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	copy(n.values, values)
}

// Close implements [plugin.MetricSink].
func (n *numbers) Close() {}

// of is the sum of the series of a name, as of the last second.
func (n *numbers) of(name string) (sum float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.table {
		if n.table[i].Name == name {
			sum += n.values[i]
		}
	}
	return sum
}

// strangers are goroutines of the plugin or the Kafka client that are left in this bubble.
func strangers() string {
	buf := make([]byte, 4<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	own := ""
	if i := strings.Index(all[0], "synctest bubble "); i >= 0 {
		own = all[0][i : i+strings.IndexAny(all[0][i:], "],")]
	}
	var left []string
	for _, g := range all[1:] {
		head, _, _ := strings.Cut(g, "\n")
		mine := own != "" && (strings.Contains(head, own+"]") || strings.Contains(head, own+","))
		if mine && !strings.Contains(g, "internal/synctest.Run(") && (strings.Contains(g, "out_sls_kafka/plugin") || strings.Contains(g, "franz-go/")) {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}
