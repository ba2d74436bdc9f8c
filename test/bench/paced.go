package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"out_sls_kafka/test/sls"
)

// delays collect how long records took from their event to their acknowledgement.
type delays struct {
	mu  sync.Mutex
	all []time.Duration
	of  func(value []byte) (time.Time, bool) // finds the event's time in a record
}

func (d *delays) log(l sls.Log) {
	at, ok := d.of(l.Value)
	if !ok {
		return
	}
	late := time.Since(at)
	d.mu.Lock()
	d.all = append(d.all, late)
	d.mu.Unlock()
}

// quantile in milliseconds.
func (d *delays) quantile(q float64) float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.all)
	if len(d.all) == 0 {
		return 0
	}
	return float64(d.all[int(q*float64(len(d.all)-1))]) / 1e6
}

const pacedRate = 20_000 // lines a second

// paced appends lines to a tailed file at a steady rate.
func (b *bench) paced() (string, error) {
	if !b.driver.isFluentBit() {
		return leftOut("Paced"), nil
	}
	var t table
	t.title("### Paced: %d lines a second for %d s, gzip, Flush 1", pacedRate, b.seconds)
	t.header("output", "CPU share %", "above the floor %", "peak RSS MB", "above the floor MB", "delay p50 ms", "delay p99 ms")
	var floorCPU, floorRSS float64
	for _, c := range []contender{floor, builtin, ours} {
		d := &delays{of: timeInLine}
		u, err := b.pacedRun(c, d)
		if err != nil {
			return "", err
		}
		cpu, rss := u.cpu.Seconds()/u.wall.Seconds()*100, float64(u.rss)/1e6
		if c == floor {
			floorCPU, floorRSS = cpu, rss
		}
		t.row(string(c), fmt.Sprintf("%.1f", cpu), fmt.Sprintf("%.1f", cpu-floorCPU), fmt.Sprintf("%.1f", rss), fmt.Sprintf("%.1f", rss-floorRSS),
			fmt.Sprintf("%.0f", d.quantile(0.5)), fmt.Sprintf("%.0f", d.quantile(0.99)))
	}
	return t.String(), nil
}

// timeInLine finds the t=<Unix nanoseconds> that every paced line carries.
func timeInLine(value []byte) (time.Time, bool) {
	_, after, found := strings.Cut(string(value), " t=")
	if !found {
		return time.Time{}, false
	}
	digits := after[:strings.IndexFunc(after+" ", func(r rune) bool { return r < '0' || r > '9' })]
	ns, err := strconv.ParseInt(digits, 10, 64)
	return time.Unix(0, ns), err == nil
}

func (b *bench) pacedRun(c contender, d *delays) (usage, error) {
	e, err := b.endpoint(c, sls.Options{DiscardLogs: true, OnLog: d.log})
	if err != nil {
		return usage{}, err
	}
	defer e.Close()
	file := filepath.Join(b.dir, "paced.log")
	f, err := os.Create(file)
	if err != nil {
		return usage{}, err
	}
	defer f.Close()
	p, err := b.start(c, fmt.Sprintf(`[SERVICE]
    Flush     1
    Log_Level warn
[INPUT]
    Name            tail
    Path            %s
    Read_from_Head  on
    Tag             bench
%s`, file, b.section(c, e, "gzip")))
	if err != nil {
		return usage{}, err
	}
	const step = 10 * time.Millisecond
	w := bufio.NewWriter(f)
	ticks := time.NewTicker(step)
	defer ticks.Stop()
	n, end := 0, time.Now().Add(time.Duration(b.seconds)*time.Second)
	for now := range ticks.C {
		if now.After(end) {
			break
		}
		for range int(pacedRate * step / time.Second) {
			fmt.Fprintf(w, "203.0.113.%d - - \"GET /api/v1/orders/%d HTTP/1.1\" 200 %d \"Mozilla/5.0 (X11; Linux x86_64)\" t=%d\n",
				n%256, n*7919%100003, n%9000, time.Now().UnixNano())
			n++
		}
		if err := w.Flush(); err != nil {
			return usage{}, err
		}
	}
	if c != floor {
		if _, err := p.awaitCount(e, n); err != nil {
			return usage{}, err
		}
	}
	wall := time.Since(p.start)
	u, err := p.end(true)
	u.wall = wall
	return u, err
}
