package produce

import "time"

// backoff is the wait after a failure, longer with each failure in a row.
type backoff struct {
	failures int
	until    time.Time
}

func (b *backoff) ready(now time.Time) bool { return !now.Before(b.until) }

func (b *backoff) failed(now time.Time, wait func(int) time.Duration) {
	b.failures++
	b.until = now.Add(wait(b.failures))
}

// expire ends the wait, but keeps the count: the next wait is at least as long.
func (b *backoff) expire() { b.until = time.Time{} }
