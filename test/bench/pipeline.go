package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"out_sls_kafka/test/sls"
)

// pipeline tails a file of access log lines from its head to its end.
func (b *bench) pipeline() (string, error) {
	file, size, err := b.accessLog()
	if err != nil {
		return "", err
	}
	var floors measurements
	var contenders, ratios table
	ratios.header("codec", "CPU above the floor, ours / built-in", "bytes, ours / built-in", "wall, ours / floor")
	for _, codec := range b.codecs {
		rows, err := b.pipelineRounds(file, codec)
		if err != nil {
			return "", err
		}
		floors.join(rows[floor])
		above := func(c contender) float64 { return rows[c].cpu.median() - rows[floor].cpu.median() }
		for _, c := range b.contenders() {
			m := rows[c]
			contenders.row(string(c), codec, m.wall.String(), m.cpu.String(), fmt.Sprintf("%.3g", above(c)/float64(b.lines)*1e6),
				m.wire.String(), m.requests.String(), m.rss.String())
		}
		if b.driver.isFluentBit() {
			ratios.row(codec, fmt.Sprintf("%.2f", above(ours)/above(builtin)),
				fmt.Sprintf("%.2f", rows[ours].wire.median()/rows[builtin].wire.median()),
				fmt.Sprintf("%.2f", rows[ours].wall.median()/rows[floor].wall.median()))
		}
	}
	var t table
	place := "on disk"
	if filepath.Dir(file) == inMemory {
		place = "in memory"
	}
	t.title("### Pipeline: %d access log lines (%.0f MB) from a file %s", b.lines, float64(size)/1e6, place)
	t.header("output", "codec", "wall s", "CPU s", "CPU µs a record above the floor", "MB on the wire", "requests", "peak RSS MB")
	t.row(string(floor), "", floors.wall.String(), floors.cpu.String(), "", "", "", floors.rss.String())
	report := t.String() + contenders.String()
	if b.driver.isFluentBit() {
		report += "\n" + ratios.String()
	}
	return report, nil
}

// pipelineRounds runs the floor and the contenders in turns: what else the
// machine does changes from one minute to the next.
func (b *bench) pipelineRounds(file, codec string) (map[contender]*measurements, error) {
	rows := make(map[contender]*measurements)
	for range b.repeats {
		for _, c := range append([]contender{floor}, b.contenders()...) {
			u, err := b.pipelineRun(c, file, codec)
			if err != nil {
				return nil, err
			}
			if c == floor && b.driver.isFluentBit() {
				counted, err := b.pipelineRun(counter, file, codec)
				if err != nil {
					return nil, err
				}
				u.wall = counted.wall
			}
			if rows[c] == nil {
				rows[c] = &measurements{}
			}
			rows[c].add(u)
		}
	}
	return rows, nil
}

// measurements are the runs of one row, in seconds and megabytes.
type measurements struct{ wall, cpu, wire, requests, rss spread }

func (m *measurements) add(u usage) {
	m.wall = append(m.wall, u.wall.Seconds())
	m.cpu = append(m.cpu, u.cpu.Seconds())
	m.wire = append(m.wire, float64(u.wire)/1e6)
	m.requests = append(m.requests, float64(u.requests))
	m.rss = append(m.rss, float64(u.rss)/1e6)
}

// join adds the runs of another row.
func (m *measurements) join(o *measurements) {
	m.wall = append(m.wall, o.wall...)
	m.cpu = append(m.cpu, o.cpu...)
	m.wire = append(m.wire, o.wire...)
	m.requests = append(m.requests, o.requests...)
	m.rss = append(m.rss, o.rss...)
}

// counterPatience is ample time for Fluent Bit to read a line.
const counterPatience = 6 * time.Microsecond

// pipelineRun is one run. The wall time is taken when the last record was
// acknowledged at the endpoint; of the floor, when Fluent Bit's counter output
// had seen it. Fluent Bit is told to end only then: where it ends by itself at
// the end of the file it flushes at once what would wait for the next second,
// and the built-in output drops what its full queue refuses.
func (b *bench) pipelineRun(c contender, file, codec string) (usage, error) {
	e, err := b.endpoint(c, sls.Options{DiscardLogs: true, Shards: 2})
	if err != nil {
		return usage{}, err
	}
	defer e.Close()
	config := fmt.Sprintf(`[SERVICE]
    Flush     1
    Log_Level warn
[INPUT]
    Name            tail
    Path            %s
    Read_from_Head  on
    Exit_On_Eof     %s
    Mem_Buf_Limit   64M
    Tag             bench
%s`, file, map[bool]string{true: "on", false: "off"}[c == floor], b.section(c, e, codec))
	p, err := b.start(c, config)
	if err != nil {
		return usage{}, err
	}
	var wall time.Duration
	switch c {
	case ours, builtin:
		if wall, err = p.awaitCount(e, b.lines); err != nil {
			p.cmd.Process.Kill()
			return usage{}, err
		}
	case counter:
		// What it prints is to be read only at its end.
		time.Sleep(2*time.Second + time.Duration(b.lines)*counterPatience)
	}
	u, err := p.end(c != floor && b.driver.isFluentBit()) // the bundled host ends at the end of the file
	if err != nil {
		return usage{}, err
	}
	if c == counter {
		wall, err = p.counted(b.lines)
	} else if n := e.Count("demo"); c != floor && n != b.lines {
		err = fmt.Errorf("%s, %s: %d records landed, want %d", c, codec, n, b.lines)
	}
	if wall > 0 {
		u.wall = wall
	}
	u.wire, u.requests = e.BytesIn(), e.ProduceRequests()
	return u, err
}

// inMemory is a file system in memory, for the file: what Fluent Bit has read it
// has dropped from the page cache, so each run would read from the disk, whose
// interrupts are charged to whoever computes at the time.
const inMemory = "/dev/shm"

// accessLog writes the file once, to memory if there is room.
func (b *bench) accessLog() (name string, size int64, err error) {
	dir := b.dir
	var room syscall.Statfs_t
	if err := syscall.Statfs(inMemory, &room); err == nil && int64(room.Bavail)*room.Bsize > int64(b.lines)*longestLine {
		dir = inMemory
	}
	f, err := os.CreateTemp(dir, "sls-kafka-bench-*.log")
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	name = f.Name()
	b.log = name
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range b.lines {
		writeAccessLine(w, i)
	}
	if err := w.Flush(); err != nil {
		return "", 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	return name, info.Size(), nil
}

const longestLine = 350 // bytes

// writeAccessLine writes line i of an access log as nginx writes it, varied
// enough not to compress better than a real one.
func writeAccessLine(w *bufio.Writer, i int) {
	h := uint32(i) * 2654435761 // spreads neighbouring numbers
	paths := [...]string{"/", "/index.html", "/api/v1/orders/%d", "/api/v1/users/%d/cart", "/static/js/app.%x.js", "/search?q=%d&page=2", "/login", "/health"}
	agents := [...]string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "curl/8.5.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "kube-probe/1.30"}
	path := paths[h%8]
	if h%8 >= 2 && h%8 <= 5 {
		path = fmt.Sprintf(path, h>>8)
	}
	status := [...]int{200, 200, 200, 200, 200, 304, 404, 500}[(h>>4)%8]
	fmt.Fprintf(w, "%d.%d.%d.%d - - [%s] \"GET %s HTTP/1.1\" %d %d \"https://shop.example.com/\" \"%s\" %d.%03d\n",
		10+(h>>28), (h>>20)&255, (h>>12)&255, h&255, time.Unix(1760000000+int64(i/200), 0).UTC().Format("02/Jan/2006:15:04:05 +0000"),
		path, status, (h>>6)%90000, agents[(h>>3)%4], (h>>9)%3, h%1000)
}
