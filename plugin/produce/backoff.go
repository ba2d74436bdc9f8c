package produce

import "time"

// pause is the wait of what has failed, longer with each failure in a row.
type pause struct {
	failures int
	until    time.Time
}

func (w *pause) over(now time.Time) bool { return !now.Before(w.until) }

func (w *pause) fail(now time.Time, backoff func(int) time.Duration) {
	w.failures++
	w.until = now.Add(backoff(w.failures))
}

// hurry ends the wait; the next failure makes as long a one.
func (w *pause) hurry() { w.until = time.Time{} }
