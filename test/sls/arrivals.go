package sls

import "time"

// ArrivalSeconds is how many seconds back Arrivals goes.
const ArrivalSeconds = 300

// arrivals counts the logs that landed in each of the last seconds.
type arrivals struct {
	counts [ArrivalSeconds]int // of a Unix second, at its remainder
	newest int64               // Unix second of the last count
}

// add counts n logs in a second, which a clock set back does not move into the past.
func (a *arrivals) add(second int64, n int) {
	a.advance(second)
	a.counts[a.newest%ArrivalSeconds] += n
}

func (a *arrivals) advance(second int64) {
	if second-a.newest >= ArrivalSeconds {
		clear(a.counts[:])
		a.newest = second
	}
	for a.newest < second {
		a.newest++
		a.counts[a.newest%ArrivalSeconds] = 0
	}
}

// list is the counts up to a second, the oldest first.
func (a *arrivals) list(second int64) []int {
	a.advance(second)
	counts := make([]int, 0, ArrivalSeconds)
	for i := range int64(ArrivalSeconds) {
		counts = append(counts, a.counts[(a.newest+1+i)%ArrivalSeconds])
	}
	return counts
}

// Arrivals are how many logs landed in a logstore in each of the last ArrivalSeconds seconds, the oldest first, the
// running second last; none for an unknown logstore.
func (e *Endpoint) Arrivals(logstore string) []int {
	s, ok := e.logstore(logstore)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrivals.list(time.Now().Unix())
}
