package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/simkafka"
	"out_sls_kafka/test/simnet"
	"out_sls_kafka/test/sls"
)

// Violation is something that did not hold.
type Violation struct {
	Kind   string
	Detail string
	At     time.Duration
}

// String is the violation in a line.
func (v Violation) String() string { return fmt.Sprintf("%s at %v: %s", v.Kind, v.At, v.Detail) }

// Report is how a simulation went.
type Report struct {
	Violations []Violation // at most one of a kind
	Chunks     int
	Records    int64 // acknowledged
	Rejected   int
	Slowest    time.Duration // chunk
	Rates      simkafka.Rates
	Log        []string
}

// world is a scenario at work.
type world struct {
	*Scenario
	*life     // that the checks look at
	dir       string
	cluster   *simkafka.Cluster
	network   *simnet.Network
	disk      *simdisk.Disk
	diskFreed chan struct{} // closed: no fault of the disk lasts any longer
	host      *host
	stop      chan struct{}
	gaveUp    chan struct{} // closed: nobody waits for a chunk any more
	flushes   sync.WaitGroup
	acts      sync.WaitGroup // what changes the output
	remains   sync.WaitGroup // outputs that were thrown away
	closed    bool

	mu           sync.Mutex
	lives        []*life
	running      *life         // that takes chunks; nil: none does
	changed      chan struct{} // closed when another one does, or none
	final        bool          // no other comes
	chunks       []*chunk
	skipped      []*chunk
	checked      int // chunks before it are settled and looked at
	linesChecked int // of the log
	shelf        shelf
	stock        stock         // what is in the spool
	watched      watched       // of the spool, by the checks
	uncounted    bool          // more was held a second before than was counted
	roomSince    time.Duration // when there was last no room, or none wanted
	violations   []Violation
}

// Run runs a scenario in a bubble of its own.
func Run(t *testing.T, s *Scenario) (report *Report) {
	t.Helper()
	w := &world{Scenario: s, dir: t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		if err := w.start(); err != nil {
			t.Fatalf("%v\n%v", err, s)
		}
		w.run()
		w.end()
		report = w.report()
	})
	return report
}

func (w *world) now() time.Duration { return w.cluster.Now() }

// sleep waits, and tells whether the scenario still goes on.
func (w *world) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.stop:
		return false
	case <-t.C:
		return true
	}
}

func (w *world) skip(c *chunk) {
	if c.bytes > w.bufferLimit()/(16*len(w.Inputs)) {
		return // its input's limit is in its way, and nothing else
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.offered = w.now()
	w.skipped = append(w.skipped, c)
}

func (w *world) violate(kind, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.ContainsFunc(w.violations, func(v Violation) bool { return v.Kind == kind }) {
		return
	}
	w.violations = append(w.violations, Violation{kind, fmt.Sprintf(format, args...), w.now()})
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.violations) > 0
}

const project, accessKeyID = "demo-project", "demo-id"

func secret(n int) string { return fmt.Sprintf("demo-secret-%d", n) }

// start starts the cluster and the output.
func (w *world) start() error {
	w.stop, w.gaveUp, w.diskFreed, w.changed = make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	w.network, w.disk = simnet.New(), simdisk.New()
	ca, err := sls.NewCA()
	if err != nil {
		return err
	}
	certificate, err := ca.Issue([]string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	if err != nil {
		return err
	}
	options := simkafka.Options{Nodes: w.Nodes, Latency: w.Latency, MaxBatch: w.MaxBatch, RecordErrors: w.Named,
		TLS:  &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		User: project, Password: accessKeyID + "#" + secret(0)}
	if w.CheckAge {
		options.MaxAge, options.MaxAhead, options.Behind = maxAge, maxAhead, w.Skew
	}
	if w.cluster, err = simkafka.Start(w.network, options); err != nil {
		return err
	}
	for _, l := range w.Logstores {
		if l.From == 0 {
			w.cluster.AddTopic(l.Topic(), l.Shards)
		}
	}
	for _, f := range w.Faults {
		w.cluster.Fault(f)
	}
	return w.startOutput(ca)
}

func (w *world) startOutput(ca *sls.CA) error {
	if err := os.WriteFile(w.caFile(), ca.PEM(), 0o600); err != nil {
		return err
	}
	if err := w.writeCredentials(0); err != nil {
		return err
	}
	w.host = &host{start: time.Now()}
	w.cutRoom()
	if err := w.begin(w.newProcess()); err != nil {
		return err
	}
	w.life = w.current()
	return nil
}

// startingTime is how long Fluent Bit may wait for the start of an output, whatever its disk does.
const startingTime = 3 * time.Second

// begin starts an output of a process.
func (w *world) begin(p *process) error {
	properties := map[string]string{
		"project": project, "logstore": w.Logstores[0].Name, "endpoint": w.cluster.Addr(), "tls_ca_file": w.caFile(),
		"credentials_file": w.credentials(), "exit_timeout": "5s", "dead_letter_file": w.deadLetters(),
	}
	maps.Copy(properties, w.Properties())
	if w.Spool {
		properties["spool_path"] = "/disk" // for the log
	}
	cfg, _, err := config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: func(string) string { return "" }})
	if err != nil {
		return err
	}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return p.dial(func() (net.Conn, error) { return w.network.Dial(ctx, network, address) })
	}
	l := &life{process: p, numbers: &numbers{}, began: w.now(), lines: w.host.count(), thrown: make(chan struct{})}
	l.log = plugin.NewLog(lifeLog{w, l}, "sim")
	env := plugin.Env{Log: l.log, Metrics: l.numbers, Interleave: w.interleave, Holding: p.holding, Leaving: l.leaving.Load}
	if w.Spool {
		env.Spool = p.mount
	}
	if l.out, err = plugin.New(cfg, env); err != nil {
		return err
	}
	if took := w.now() - l.began; took > startingTime {
		w.violate("start", "New took %v", took)
	}
	l.log.OnPending(nil) // as with flush_mode auto, where it wakes no chunk
	w.mu.Lock()
	w.lives = append(w.lives, l)
	w.mu.Unlock()
	w.setCurrent(l)
	return nil
}

// interleave lets others run in the middle of a computation, for as long as it takes a
// broker to answer some of them.
func (w *world) interleave() {
	time.Sleep(time.Duration(rand.Int64N(int64(2 * w.Latency))))
}

func (w *world) caFile() string      { return filepath.Join(w.dir, "ca.pem") }
func (w *world) credentials() string { return filepath.Join(w.dir, "credentials") }
func (w *world) deadLetters() string { return filepath.Join(w.dir, "dead-letters") }

func (w *world) writeCredentials(n int) error {
	next := w.credentials() + ".next"
	if err := os.WriteFile(next, []byte(accessKeyID+"#"+secret(n)), 0o600); err != nil {
		return err
	}
	return os.Rename(next, w.credentials())
}

// patience is how long after the last input and the last fault everything has to
// be settled.
const patience = 2 * time.Minute

// run goes through the scenario and checks it every second.
func (w *world) run() {
	for i := range w.Inputs {
		w.flushes.Go(func() { w.input(i) })
	}
	w.acts.Go(w.events)
	if w.Flush > 0 {
		w.flushes.Go(func() {
			for w.sleep(w.Flush) {
				if l := w.current(); l != nil {
					l.out.Flush()
				}
			}
		})
	}
	for limit := w.Duration + w.early() + patience; w.now() < limit && !w.failed(); {
		time.Sleep(time.Second)
		synctest.Wait() // all others wait for something: what is read is nobody's at work
		if l := w.current(); l != nil || w.closed {
			if l != nil {
				w.life = l
			}
			w.log.Drain()
			w.check()
		}
		w.checkSpool()
		if w.now() > w.Duration && w.allSettled() && w.stock.files == 0 {
			break
		}
	}
	if !w.failed() {
		w.checkEnd()
	}
	close(w.stop)
}

func (w *world) allSettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(w.chunks, func(c *chunk) bool { return c.settled == 0 })
}

func (w *world) end() {
	w.acts.Wait()
	w.mu.Lock()
	last := w.running // nil: it was closed, or the scenario ended between two
	w.final = true
	w.mu.Unlock()
	w.setCurrent(nil)
	if last != nil {
		w.life = last
		w.closeOutput(last)
	}
	giveUp := time.AfterFunc(time.Minute, func() { close(w.gaveUp) })
	w.flushes.Wait()
	giveUp.Stop()
	if last != nil || w.closed {
		w.checkGivenBack()
	}
	close(w.diskFreed)
	w.remains.Wait()
	w.cluster.Close()
	w.network.CloseAll()
	synctest.Wait()
	if left := strangers(); left != "" {
		w.violate("goroutines", "left: %s", left)
	}
	if w.Spool {
		w.stock = w.shelf.look(w.disk)
		w.checkKept()
	}
	w.checkDeadLetters()
	for _, l := range w.host.lines {
		if strings.Contains(l, "internal error") {
			w.violate("panic", "%s", l)
		}
	}
}

func (w *world) report() *Report {
	records, slowest := int64(0), time.Duration(0)
	for _, c := range w.chunks {
		slowest = max(slowest, w.took(c))
		w.cluster.Account(c.number, func(a *simkafka.Account) { records += int64(a.Acked) })
	}
	return &Report{Violations: w.violations, Chunks: len(w.chunks), Records: records, Rejected: int(w.total("records_rejected_total")), Slowest: slowest, Rates: w.cluster.Rates(), Log: w.host.lines}
}

// events changes the cluster as the scenario says.
func (w *world) events() {
	for _, l := range w.Logstores {
		if l.From > 0 {
			w.flushes.Go(func() {
				if w.sleep(l.From - w.now()) {
					w.cluster.AddTopic(l.Topic(), l.Shards)
				}
			})
		}
	}
	for _, e := range w.Events {
		if !w.sleep(e.At - w.now()) {
			return
		}
		w.happen(e)
	}
}

func (w *world) happen(e Event) {
	switch e.Kind {
	case Split, Merge:
		w.cluster.SetPartitions(e.Topic, e.To)
	case Lead:
		if int(e.Partition) < w.cluster.Partitions(e.Topic) {
			w.cluster.SetLeader(e.Topic, e.Partition, int32(e.To%w.Nodes))
		}
	case Readonly:
		if int(e.Partition) < w.cluster.Partitions(e.Topic) {
			w.cluster.SetReadOnly(e.Topic, e.Partition, readonlyError)
		}
	case Remove:
		w.cluster.RemoveTopic(e.Topic)
	case Rotate:
		if err := w.writeCredentials(e.To); err != nil {
			w.violate("world", "%v", err)
		}
		w.cluster.SetPassword(accessKeyID + "#" + secret(e.To))
	case Close:
		l := w.current()
		w.mu.Lock()
		w.closed, w.final = true, true
		w.mu.Unlock()
		w.setCurrent(nil)
		if l != nil {
			w.closeOutput(l)
		}
	case Restart, Reload, Kill, PowerCut:
		w.change(e)
	}
}
