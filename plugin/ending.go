package plugin

import (
	"sync"
	"time"
)

// Ending is the end of a process, or of what a hot reload replaces. All outputs that
// end together have one, for Fluent Bit ends them one after the other: each waits for
// what is in flight until its exit_timeout after the beginning of the end, so that the
// end takes as long as the longest exit_timeout, whatever the number of outputs.
type Ending struct {
	mu    sync.Mutex
	began time.Time
}

// begin returns when the end began, which is now if it had not begun.
func (e *Ending) begin() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.began.IsZero() {
		e.began = time.Now()
	}
	return e.began
}

// Bounds of the wait for goroutines to end, which should take no time: stopTimeout
// for all outputs that end together, leastStopTimeout for each.
const (
	stopTimeout      = 2 * time.Second
	leastStopTimeout = 100 * time.Millisecond
)

// stopDeadline returns until when goroutines may take to end, if what is in flight has
// exitTimeout.
func (e *Ending) stopDeadline(exitTimeout time.Duration) time.Time {
	now := time.Now()
	e.mu.Lock()
	began := e.began
	e.mu.Unlock()
	end := now.Add(stopTimeout)
	if limit := began.Add(exitTimeout + stopTimeout); !began.IsZero() && limit.Before(end) {
		end = limit
	}
	if least := now.Add(leastStopTimeout); end.Before(least) {
		end = least
	}
	return end
}
