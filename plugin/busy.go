package plugin

import (
	"sync/atomic"
	"time"
)

// busy says since when the disk of a spool works for somebody, who may hang in it. The zero
// value: it does not. Its time has the monotonic clock, for the other may be set.
type busy struct{ since atomic.Pointer[time.Time] }

func (b *busy) begin() {
	now := time.Now()
	b.since.Store(&now)
}

func (b *busy) end() { b.since.Store(nil) }

// took is for how long it works; 0: it does not.
func (b *busy) took(now time.Time) time.Duration {
	if since := b.since.Load(); since != nil {
		return now.Sub(*since)
	}
	return 0
}
