package sim

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"out_sls_kafka/plugin"
	"out_sls_kafka/test/simdisk"
)

// life is an output from its start to its end. The next one has the same disk.
type life struct {
	out     *plugin.Output
	log     *plugin.Log
	numbers *numbers
	process *process
	began   time.Duration
	lines   int // of the log before it

	gone    bool          // it was thrown away: its results and lines do not count. The world's lock guards it
	thrown  chan struct{} // closed then
	leaving atomic.Bool   // the process was signalled to stop
}

// lifeLog is the log of a life.
type lifeLog struct {
	world *world
	life  *life
}

// Print implements [plugin.Logger].
func (h lifeLog) Print(level plugin.Level, line string) {
	h.world.mu.Lock()
	gone := h.life.gone
	h.world.mu.Unlock()
	if !gone {
		h.world.host.Print(level, line)
	}
}

// Level implements [plugin.Logger].
func (h lifeLog) Level() plugin.Level { return h.world.host.Level() }

// process is what outputs share that a hot reload replaces one by the other.
type process struct {
	mount   *simdisk.Mount // nil: without a spool
	holding *plugin.Holding

	mu    sync.Mutex
	ended bool
	conns []net.Conn
}

// dial connects, unless the process has ended.
func (p *process) dial(connect func() (net.Conn, error)) (net.Conn, error) {
	conn, err := connect()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		conn.Close()
		return nil, syscall.ECONNREFUSED
	}
	p.conns = append(p.conns, conn)
	return conn, nil
}

// end ends the connections of the process, and all that it may do to the disk.
func (p *process) end(cut *rand.Rand) {
	p.mu.Lock()
	p.ended = true
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	switch {
	case p.mount == nil:
	case cut != nil:
		p.mount.Cut(cut)
	default:
		p.mount.End()
	}
}

// newProcess is a process that has just begun.
func (w *world) newProcess() *process {
	p := &process{holding: new(plugin.Holding)}
	if w.Spool {
		p.mount = w.disk.Mount(w.meetDisk)
	}
	return p
}

// current is the output that takes chunks now; nil: there is none.
func (w *world) current() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}

// paused tells that Fluent Bit's inputs give nothing: it ends, or is not there.
func (w *world) paused() bool {
	l := w.current()
	return l == nil || l.leaving.Load()
}

// setCurrent lets chunks go to an output, or to none.
func (w *world) setCurrent(l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = l
	close(w.changed)
	w.changed = make(chan struct{})
}

// awaitLife waits for an output that takes chunks; nil: none comes any more.
func (w *world) awaitLife() *life {
	for {
		w.mu.Lock()
		l, changed, over := w.running, w.changed, w.final
		w.mu.Unlock()
		if l != nil || over {
			return l
		}
		select {
		case <-changed:
		case <-w.gaveUp:
			return nil
		}
	}
}

// change ends the running output as the event says, and starts the next one.
func (w *world) change(e Event) {
	l := w.current()
	if l == nil {
		return
	}
	p := l.process
	away := time.Second
	switch e.Kind {
	case Restart:
		l.leaving.Store(true)
		w.sleep(time.Duration(e.To) * time.Second)
		w.setCurrent(nil)
		w.noteEnd(false)
		w.closeOutput(l)
		p.end(nil)
		p = nil
	case Reload:
		w.setCurrent(nil)
		w.noteEnd(false)
		w.closeOutput(l)
		away = 0
	default:
		p = nil
		away = max(away, time.Duration(e.To)*time.Second)
		w.throwAway(l, e.Kind == PowerCut)
	}
	if away > 0 && !w.sleep(away) {
		return
	}
	if p == nil {
		p = w.newProcess()
	}
	if err := w.begin(p); err != nil {
		w.violate("start", "after %s: %v", e.Kind, err)
	}
}

// throwAway is the end of a process that has no time for one. The output ends afterwards,
// without a disk and a network.
func (w *world) throwAway(l *life, cut bool) {
	w.mu.Lock()
	l.gone = true
	w.mu.Unlock()
	w.setCurrent(nil) // before whoever waits for a result looks for the next one
	close(l.thrown)
	w.noteEnd(cut)
	var random *rand.Rand
	if cut {
		random = rand.New(rand.NewPCG(w.Seed, uint64(w.now())))
	}
	l.process.end(random)
	w.remains.Go(func() {
		l.out.Close()
		l.log.Drain()
	})
}

// total is a metric, of all lives together.
func (w *world) total(name string) (sum float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lives {
		sum += l.numbers.of(name)
	}
	return sum
}
