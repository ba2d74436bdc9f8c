package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"out_sls_kafka/test/sls"
)

// difficulty is something that is wrong while a file is delivered.
type difficulty struct {
	name     string
	endpoint sls.Options
	options  string // of this plugin
	oldEvery int    // every n-th line is ten days old; 0: none
	backlog  int    // lines of that age that are there at the start
}

// difficulties are measured one by one against the same without what is wrong.
var difficulties = []difficulty{
	{name: "one of four shards over its quota, uniform", endpoint: sls.Options{Shards: 4, OverQuota: []int32{0}}},
	{name: "one of four shards over its quota, round_robin", endpoint: sls.Options{Shards: 4, OverQuota: []int32{0}}, options: "    partitioner round_robin\n"},
	{name: "one record in a thousand refused", endpoint: sls.Options{Shards: 4, CheckTime: true}, oldEvery: 1000},
	{name: "a backlog of 100,000 old lines", endpoint: sls.Options{Shards: 4, CheckTime: true}, backlog: 100_000},
}

// trouble says what it costs the others when something is wrong with a shard or
// with some records: how much longer all good records take, and how much more CPU.
func (b *bench) trouble() (string, error) {
	if !b.driver.isFluentBit() {
		return leftOut("Trouble"), nil
	}
	var t table
	t.title("### Trouble: %d lines, compression none, against the same without it, in turns", b.lines)
	t.header("what is wrong", "wall s", "healthy wall s", "wall, ratio", "CPU, ratio")
	for _, d := range difficulties {
		healthy := d
		healthy.endpoint.OverQuota, healthy.endpoint.CheckTime, healthy.oldEvery, healthy.backlog = nil, false, 0, 0
		var with, without measurements
		for range b.repeats {
			for _, run := range []struct {
				d difficulty
				m *measurements
			}{{healthy, &without}, {d, &with}} {
				u, err := b.troubleRun(run.d)
				if err != nil {
					return "", fmt.Errorf("%s: %w", d.name, err)
				}
				run.m.add(u)
			}
		}
		t.row(d.name, with.wall.String(), without.wall.String(), fmt.Sprintf("%.2f", with.wall.median()/without.wall.median()), fmt.Sprintf("%.2f", with.cpu.median()/without.cpu.median()))
	}
	return t.String(), nil
}

// timeParser has the time of each line in the line.
const timeParser = "[PARSER]\n    Name        bench\n    Format      json\n    Time_Key    t\n    Time_Format %s\n"

// troubleRun delivers a file, and waits until all records that are not old have landed.
func (b *bench) troubleRun(d difficulty) (usage, error) {
	file, good, err := b.timedLines(d)
	if err != nil {
		return usage{}, err
	}
	defer os.Remove(file)
	parsers := b.file(ours, "parsers.conf")
	if err := os.WriteFile(parsers, []byte(timeParser), 0o600); err != nil {
		return usage{}, err
	}
	d.endpoint.DiscardLogs = true
	e, err := b.endpoint(ours, d.endpoint)
	if err != nil {
		return usage{}, err
	}
	defer e.Close()
	p, err := b.start(ours, fmt.Sprintf(`[SERVICE]
    Flush        1
    Log_Level    warn
    Parsers_File %s
[INPUT]
    Name            tail
    Path            %s
    Parser          bench
    Read_from_Head  on
    Mem_Buf_Limit   64M
    Tag             bench
%s%s`, parsers, file, b.section(ours, e, "none"), d.options))
	if err != nil {
		return usage{}, err
	}
	wall, err := p.awaitCount(e, good)
	if err != nil {
		p.cmd.Process.Kill()
		return usage{}, err
	}
	u, err := p.end(true)
	u.wall = wall
	return u, err
}

// timedLines writes lines with a time each, and returns how many are not old.
func (b *bench) timedLines(d difficulty) (name string, good int, err error) {
	dir := b.dir
	if info, err := os.Stat(inMemory); err == nil && info.IsDir() {
		dir = inMemory
	}
	f, err := os.CreateTemp(dir, "sls-kafka-bench-*.log")
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	b.log = f.Name()
	w := bufio.NewWriterSize(f, 1<<20)
	now, old := time.Now().Unix(), time.Now().Add(-10*24*time.Hour).Unix()
	for i := range d.backlog {
		fmt.Fprintf(w, "{\"t\":%d,\"log\":\"an old line of some sixty bytes, number %d\"}\n", old+int64(i/100), i)
	}
	for i := range b.lines {
		at := now
		if d.oldEvery > 0 && i%d.oldEvery == d.oldEvery/2 {
			at = old + int64(i/100)
		} else {
			good++
		}
		fmt.Fprintf(w, "{\"t\":%d,\"log\":\"GET /api/v1/orders/%d HTTP/1.1 200 %d Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"}\n", at, uint32(i)*2654435761, i%90000)
	}
	return f.Name(), good, w.Flush()
}
