package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
)

const (
	beat      = 50 * time.Millisecond // a chunk comes each beat
	heldMost  = 200                   // chunks without a result, beyond which inputs pause
	drainTime = 3 * time.Minute       // to land the rest after the last fault
)

// engine does what Fluent Bit's does: one thread submits chunks, advances those
// that are woken, and gives those again that come back.
type engine struct {
	landing *landing
	rate    int
	verbose bool
	cfg     *config.Config
	log     *plugin.Log
	out     *plugin.Output
	woken   chan *flush
	reloads chan struct{}
	flushes map[*flush]struct{}
	held    int64 // bytes of chunks without a result
	sent    int
}

// flush is a chunk and its wait.
type flush struct {
	chunk  *plugin.Chunk
	data   []byte
	queued atomic.Bool
	engine *engine
}

// Wake implements [plugin.Waker].
func (f *flush) Wake(plugin.Result) {
	if f.queued.CompareAndSwap(false, true) {
		f.engine.woken <- f // there is a place for each
	}
}

// newEngine starts an output. dir is for its files, and must stay: they are read for
// each connection.
func newEngine(l *landing, dir string, rate int, verbose bool) (*engine, error) {
	g := &engine{landing: l, rate: rate, verbose: verbose, woken: make(chan *flush, heldMost+1), reloads: make(chan struct{}, 1), flushes: make(map[*flush]struct{})}
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, l.CAPEM(), 0o600); err != nil {
		return nil, err
	}
	properties := map[string]string{
		"project": "demo-project", "logstore": "demo", "endpoint": l.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret",
		"request_timeout": "1s", "retry_backoff": "100ms", "retry_backoff_max": "5s", "exit_timeout": "1s", "buffer_limit": "8M",
	}
	var err error
	if g.cfg, _, err = config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: os.Getenv}); err != nil {
		return nil, err
	}
	g.log = plugin.NewLog(g, "soak")
	g.out, err = plugin.New(g.cfg, plugin.Env{Log: g.log})
	return g, err
}

// Print implements [plugin.Logger].
func (g *engine) Print(_ plugin.Level, line string) {
	if g.verbose {
		fmt.Println(line)
	}
}

// Level implements [plugin.Logger].
func (g *engine) Level() plugin.Level { return plugin.LevelInfo }

// reload asks for a reload: the output ends and a new one takes over.
func (g *engine) reload() {
	select {
	case g.reloads <- struct{}{}:
	default:
	}
}

// run submits chunks for so long.
func (g *engine) run(duration time.Duration, r *report) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	g.landing.last.Store(time.Now().UnixNano())
	for end := time.Now().Add(duration); time.Now().Before(end); {
		select {
		case <-tick.C:
			g.observe(r)
			if len(g.flushes) < heldMost {
				g.submit()
			}
		case f := <-g.woken:
			g.advance(f)
		case <-g.reloads:
			r.reloads++
			g.restart()
		}
	}
}

// finish waits until what was submitted has landed, and ends the output.
func (g *engine) finish(r *report) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for end := time.Now().Add(drainTime); len(g.flushes) > 0 && time.Now().Before(end); {
		select {
		case <-tick.C:
			g.observe(r)
		case f := <-g.woken:
			g.advance(f)
		}
	}
	r.unfinished = len(g.flushes)
	if !g.out.Close() {
		fmt.Fprintln(os.Stderr, "soak: the output did not end")
	}
	g.log.Drain()
}

func (g *engine) submit() {
	n := g.rate * int(beat) / int(time.Second)
	f := &flush{data: events(g.sent, n), engine: g}
	g.sent += n
	g.held += int64(len(f.data))
	g.flushes[f] = struct{}{}
	g.give(f)
}

func (g *engine) give(f *flush) {
	f.chunk = g.out.Submit("soak", f.data, f, false)
	g.advance(f)
}

func (g *engine) advance(f *flush) {
	f.queued.Store(false)
	if _, waits := g.flushes[f]; !waits {
		return
	}
	switch result := f.chunk.Advance(f.data); result {
	case plugin.Pending:
	case plugin.OK:
		delete(g.flushes, f)
		g.held -= int64(len(f.data))
	case plugin.Retry:
		f.Wake(plugin.Retry) // given again, in its turn, by the output that will be there
		f.chunk = g.out.Submit("soak", f.data, f, false)
	default:
		panic(fmt.Sprintf("result %d of a good chunk", result))
	}
}

// restart does what a hot reload does.
func (g *engine) restart() {
	if !g.out.Close() {
		fmt.Fprintln(os.Stderr, "soak: the output did not end")
	}
	out, err := plugin.New(g.cfg, plugin.Env{Log: g.log})
	if err != nil {
		panic(err) // it was possible before
	}
	g.out = out
	for f := range g.flushes {
		if f.chunk.Advance(f.data) == plugin.OK {
			delete(g.flushes, f)
			g.held -= int64(len(f.data))
			continue
		}
		g.give(f)
	}
}

// observe notes stalls and memory.
func (g *engine) observe(r *report) {
	now := time.Now()
	last := time.Unix(0, g.landing.last.Load())
	if len(g.flushes) > 0 {
		r.stall = max(r.stall, now.Sub(last))
		if over := g.landing.over.Load(); over > 0 {
			if since := now.Sub(time.Unix(0, over)); since < now.Sub(last) {
				r.afterFault = max(r.afterFault, since)
			}
		}
	} else {
		g.landing.last.Store(now.UnixNano())
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.heap, r.held = max(r.heap, int64(m.HeapInuse)), max(r.held, g.held)
}

// events is a chunk of n events with the numbers from first on.
func events(first, n int) (b []byte) {
	now := time.Now()
	for i := range n {
		b = append(b, 0x92, 0x92, 0xd7, 0x00)
		b = append(b, byte(now.Unix()>>24), byte(now.Unix()>>16), byte(now.Unix()>>8), byte(now.Unix()), 0, 0, 0, 0, 0x80)
		b = msgp.AppendMapHeader(b, 2)
		b = msgp.AppendString(b, "seq")
		b = msgp.AppendInt(b, first+i)
		b = msgp.AppendString(b, "log")
		b = msgp.AppendString(b, `10.0.0.1 - - "GET /index.html HTTP/1.1" 200 5316 "https://example.com/start" "Mozilla/5.0 (X11; Linux x86_64)"`)
	}
	return b
}

// goroutines counts those of the plugin and its client, once they had time to end.
func goroutines() (n int) {
	for range 100 {
		n = 0
		b := make([]byte, 8<<20)
		for _, stack := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
			if strings.Contains(stack, "out_sls_kafka/plugin.") || strings.Contains(stack, "franz-go/pkg/kgo.") {
				n++
			}
		}
		if n == 0 {
			return 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	return n
}
