package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"out_sls_kafka/test/sls"
)

// contender is an output under measurement.
type contender string

const (
	floor   contender = "null"
	counter contender = "counter" // the floor once more, but it says when it has seen all
	builtin contender = "kafka"
	ours    contender = "sls_kafka"
)

// section is the contender's [OUTPUT], with the same endpoint, acknowledgement,
// codec and time field.
func (b *bench) section(c contender, e *sls.Endpoint, codec string) string {
	switch c {
	case ours:
		s := fmt.Sprintf(`[OUTPUT]
    Name              sls_kafka
    Match             *
    project           demo-project
    logstore          demo
    endpoint          %s
    access_key_id     demo-id
    access_key_secret demo-secret
    tls_ca_file       %s
    compression       %s
    time_key          @timestamp
    Retry_Limit       no_limits
`, e.Addr(), b.ca(c), codec)
		for _, pair := range strings.Split(b.extra, ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				s += fmt.Sprintf("    %s %s\n", key, value)
			}
		}
		return s
	case builtin:
		return fmt.Sprintf(`[OUTPUT]
    Name              kafka
    Match             *
    Brokers           %s
    Topics            demo.json
    Format            json
    Timestamp_Key     @timestamp
    Timestamp_Format  iso8601_ns
    rdkafka.security.protocol SASL_SSL
    rdkafka.sasl.mechanism    PLAIN
    rdkafka.sasl.username     demo-project
    rdkafka.sasl.password     demo-id#demo-secret
    rdkafka.ssl.ca.location   %s
    rdkafka.compression.codec %s
    rdkafka.request.required.acks 1
    Retry_Limit       no_limits
`, e.Addr(), b.ca(c), codec)
	}
	name := string(c)
	if !b.driver.isFluentBit() {
		name = "testplugin"
	}
	// Without workers, as the other two run: handing chunks to a thread is not
	// what they build on.
	return fmt.Sprintf("[OUTPUT]\n    Name    %s\n    Match   *\n    Workers 0\n", name)
}

func (b *bench) ca(c contender) string { return b.file(c, "ca.pem") }

// file is one of a contender's alone: several may run at a time.
func (b *bench) file(c contender, name string) string {
	return filepath.Join(b.dir, string(c)+"-"+name)
}

func (b *bench) endpoint(c contender, o sls.Options) (*sls.Endpoint, error) {
	e, err := sls.Start(o)
	if err != nil {
		return nil, err
	}
	return e, os.WriteFile(b.ca(c), e.CAPEM(), 0o600)
}

// usage is what a run of Fluent Bit took.
type usage struct {
	wall     time.Duration // to the last acknowledged record, else to the end of the process
	cpu      time.Duration // user and system, of the whole process
	rss      int64         // peak, bytes
	wire     int64         // bytes of requests
	requests int
}

// process is a running Fluent Bit, or bundled host.
type process struct {
	cmd   *exec.Cmd
	start time.Time
	log   string
	peak  atomic.Int64 // resident bytes

	ended chan struct{} // closed then
	err   error         // of its end
}

func (b *bench) start(c contender, config string) (*process, error) {
	conf, log := b.file(c, "fluent-bit.conf"), b.file(c, "fluent-bit.log")
	if err := os.WriteFile(conf, []byte(config), 0o600); err != nil {
		return nil, err
	}
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &process{cmd: exec.Command(b.driver.path, append([]string{"-e", b.object(c), "-c", conf}, b.driver.args...)...), log: log, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.start = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.watchMemory()
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// watchMemory notes the peak of resident memory until the process ends. What
// the system reports after the end would include this program's own, from
// before the process became Fluent Bit.
func (p *process) watchMemory() {
	name := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	for ; ; time.Sleep(20 * time.Millisecond) {
		status, err := os.ReadFile(name)
		m := highWater.FindSubmatch(status)
		if err != nil || m == nil { // it has ended
			return
		}
		if kib, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil {
			p.peak.Store(kib << 10)
		}
	}
}

var counts = regexp.MustCompile(`"ts":(\d+\.\d+),"serialized_events":(\d+)`)

// counted is how long after its start a process that has ended had counted n
// records, by what its counter output printed for each chunk. At its end
// Fluent Bit may leave out the line of a chunk or two.
func (p *process) counted(n int) (time.Duration, error) {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return 0, err
	}
	seen, last := 0, 0.0
	for _, m := range counts.FindAllSubmatch(log, -1) {
		at, err1 := strconv.ParseFloat(string(m[1]), 64)
		events, err2 := strconv.Atoi(string(m[2]))
		if err := errors.Join(err1, err2); err != nil {
			return 0, err
		}
		seen, last = seen+events, max(last, at)
	}
	if seen < n*97/100 {
		return 0, fmt.Errorf("the counter output saw %d records, want %d", seen, n)
	}
	return time.Unix(0, int64(last*1e9)).Sub(p.start), nil
}

// end waits for a process that ends by itself or is told to, and reads what it took.
func (p *process) end(signal bool) (usage, error) {
	if signal {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return usage{}, err
		}
	}
	kill := time.AfterFunc(3*time.Minute, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	if <-p.ended; p.err != nil {
		log, _ := os.ReadFile(p.log)
		return usage{}, fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, log)
	}
	return usage{wall: time.Since(p.start), cpu: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), rss: p.peak.Load()}, nil
}

// awaitCount waits until n records were acknowledged and returns how long that
// took from the start of the process.
func (p *process) awaitCount(e *sls.Endpoint, n int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	go func() {
		select {
		case <-p.ended: // nothing is to come
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := e.WaitCount(ctx, "demo", n); err != nil && e.Count("demo") < n {
		log, _ := os.ReadFile(p.log)
		return 0, fmt.Errorf("%w\n%s", err, log)
	}
	return time.Since(p.start), nil
}
