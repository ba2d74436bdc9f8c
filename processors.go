package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// calm is how long there must have been little to do.
const calm = 5 * time.Second

// processors is how many of them Go's runtime uses: one while there is little to
// do. With more, each goroutine that comes to run wakes a thread up, in case
// there is more, and for the few records of a small chunk that is a sixth of all
// that is done for them.
//
// The runtime is that of this shared object alone. What it uses is no business
// of a single output, so unlike everything else this belongs to the process.
type processors struct {
	fixed bool // by GOMAXPROCS in the environment
	start time.Time
	last  atomic.Int64 // when there was much to do, in nanoseconds since start
	one   atomic.Bool  // only one is used
	timer *time.Timer

	mu sync.Mutex // held while the number is changed
}

var shared = newProcessors(os.Getenv("GOMAXPROCS") != "")

func newProcessors(fixed bool) *processors {
	p := &processors{fixed: fixed, start: time.Now()}
	p.timer = time.AfterFunc(calm, p.adapt)
	return p
}

// busy says that there is much to do. It does not wait for the other processors:
// to change their number stops all goroutines for a moment, which is nothing for
// a thread of Fluent Bit to do.
func (p *processors) busy() {
	p.last.Store(int64(time.Since(p.start)))
	if p.one.Load() {
		p.timer.Reset(0)
	}
}

// adapt changes the number, and comes again when there may be little to do.
func (p *processors) adapt() {
	if p.fixed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.one.Swap(true) // what busy says from now on is not missed
	left := time.Duration(p.last.Load()) + calm - time.Since(p.start)
	if left <= 0 {
		runtime.GOMAXPROCS(1)
		return
	}
	p.one.Store(false)
	if was {
		runtime.SetDefaultGOMAXPROCS()
	}
	p.timer.Reset(left)
}
