package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"out_sls_kafka/test/simdisk"
	"out_sls_kafka/test/simkafka"
	"out_sls_kafka/test/simnet"
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
