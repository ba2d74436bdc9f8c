package produce

import (
	"slices"
	"testing"
)

// Each state leads to those of the picture, and to no other.
func TestBatchStates(t *testing.T) {
	may := map[batchState][]batchState{
		open:     {closed, ready, inflight, released},
		closed:   {ready, divided, released},
		ready:    {inflight, rejected, released},
		inflight: {ready, dividing, acked, rejected, released},
		dividing: {divided, released},
		rejected: {released},
	}
	for from := range batchState(len(transitions)) {
		for to := range batchState(len(transitions)) {
			panicked := func() (caused bool) {
				defer func() { caused = recover() != nil }()
				(&batch{state: from}).to(to)
				return false
			}()
			if want := !slices.Contains(may[from], to); panicked != want {
				t.Errorf("from %s to %s: panics %v, want %v", stateNames[from], stateNames[to], panicked, want)
			}
		}
	}
}
