package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"out_sls_kafka/test/sls"
)

const (
	smallTags = 40
	smallRate = 50 // records a second of each tag; with Flush 0.1 that is 400 chunks of 5 a second
)

// smallContenders run at the same time: what they cost is so little that it
// would drown in what else the machine does from one minute to the next.
var smallContenders = []contender{floor, builtin, ours}

// small sends many chunks of few records.
func (b *bench) small() (string, error) {
	if !b.driver.isFluentBit() {
		return leftOut("Small"), nil
	}
	var t table
	t.title("### Small: %d tags, 400 chunks of 5 records a second for %d s, gzip, Flush 0.1; all three at the same time", smallTags, b.seconds)
	t.header("output", "CPU s", "above the floor s", "ours / built-in above the floor", "requests", "peak RSS MB", "delay p50 ms", "delay p99 ms")
	rows, late := make(map[contender]*measurements), make(map[contender]*delays)
	for _, c := range smallContenders {
		rows[c], late[c] = &measurements{}, &delays{of: timeInField}
	}
	above := make(map[contender]spread)
	var ratios spread
	for round := range b.repeats {
		used, err := b.smallRound(late)
		if err != nil {
			return "", err
		}
		for i, c := range smallContenders {
			rows[c].add(used[i])
			above[c] = append(above[c], (used[i].cpu - used[0].cpu).Seconds())
		}
		ratios = append(ratios, above[ours][round]/above[builtin][round])
	}
	for _, c := range smallContenders {
		ratio := ""
		if c == ours {
			ratio = ratios.String()
		}
		m, d := rows[c], late[c]
		t.row(string(c), m.cpu.String(), above[c].String(), ratio, m.requests.String(), m.rss.String(), fmt.Sprintf("%.0f", d.quantile(0.5)), fmt.Sprintf("%.0f", d.quantile(0.99)))
	}
	return t.String(), nil
}

// smallRound is one run of each contender.
func (b *bench) smallRound(late map[contender]*delays) ([]usage, error) {
	used, faults := make([]usage, len(smallContenders)), make([]error, len(smallContenders))
	var running sync.WaitGroup
	for i, c := range smallContenders {
		running.Go(func() { used[i], faults[i] = b.smallRun(c, late[c]) })
	}
	running.Wait()
	return used, errors.Join(faults...)
}

// timeInField reads the field @timestamp, which both outputs add.
func timeInField(value []byte) (time.Time, bool) {
	_, after, found := strings.Cut(string(value), `"@timestamp":"`)
	if !found {
		return time.Time{}, false
	}
	text, _, _ := strings.Cut(after, `"`)
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

func (b *bench) smallRun(c contender, d *delays) (usage, error) {
	e, err := b.endpoint(c, sls.Options{DiscardLogs: true, OnLog: d.log})
	if err != nil {
		return usage{}, err
	}
	defer e.Close()
	each := b.seconds * smallRate // records of each tag
	config := "[SERVICE]\n    Flush     0.1\n    Log_Level warn\n"
	for i := range smallTags {
		config += fmt.Sprintf("[INPUT]\n    Name    dummy\n    Tag     bench.%d\n    Rate    %d\n    Samples %d\n    Dummy   {\"level\":\"info\",\"component\":\"checkout\",\"message\":\"order accepted\",\"ms\":17}\n",
			i, smallRate, each)
	}
	p, err := b.start(c, config+b.section(c, e, "gzip"))
	if err != nil {
		return usage{}, err
	}
	if c == floor {
		// Nothing tells when the null output is done; the rate does.
		time.Sleep(time.Duration(b.seconds+1) * time.Second)
	} else if _, err := p.awaitCount(e, smallTags*each); err != nil {
		return usage{}, err
	}
	u, err := p.end(true)
	u.requests = e.ProduceRequests()
	return u, err
}
