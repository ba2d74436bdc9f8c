package plugin

import (
	"fmt"
	"sync/atomic"
)

// stats are the counters of one output.
type stats struct {
	acknowledged atomic.Int64 // records
	rejected     atomic.Int64 // records
	resent       atomic.Int64 // records sent once more after a failure
	chunks       atomic.Int64 // chunks done
	waiting      atomic.Int64 // chunks that wait to send records again
	handedBack   atomic.Int64 // chunks without a result when the output ended
}

// load says what is in flight, for a log line.
func (o *Output) load() string {
	used, line := o.buffer.load()
	o.mu.Lock()
	live := len(o.live)
	o.mu.Unlock()
	return fmt.Sprintf("chunks waiting: %d, %d of them for room; bytes in flight: %d; records acknowledged: %d, rejected: %d",
		live, line, used, o.stats.acknowledged.Load(), o.stats.rejected.Load())
}
