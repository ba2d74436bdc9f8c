package produce

import "time"

// Backoff is the wait after failures of one thing: a broker, a topic, a partition,
// a batch, or requests for metadata. Only a success of that thing ends it.
type Backoff struct {
	failures int
	failedAt time.Time // the last of them
	until    time.Time
}

// Ready tells whether the wait is over.
func (b *Backoff) Ready(now time.Time) bool { return !now.Before(b.until) }

// Failed begins a wait. wait gives its length after n failures in a row; it has the
// jitter without which all nodes of a fleet would act in the same second.
func (b *Backoff) Failed(now time.Time, wait func(n int) time.Duration) {
	b.failures++
	b.failedAt, b.until = now, now.Add(wait(b.failures))
}

// Reset notes a success.
func (b *Backoff) Reset() { *b = Backoff{} }

// Failing tells whether it failed and has had no success since.
func (b *Backoff) Failing() bool { return b.failures > 0 }

// Expire ends the wait but keeps the count: the next wait is at least as long.
func (b *Backoff) Expire() { b.until = time.Time{} }
