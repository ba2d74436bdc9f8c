package plugin

import (
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// resultWaker takes the results that a chunk wakes it with.
type resultWaker chan Result

func (w resultWaker) Wake(r Result) {
	if r != Pending {
		w <- r
	}
}

// result awaits a result.
func (w resultWaker) result(t *testing.T) Result {
	t.Helper()
	select {
	case r := <-w:
		return r
	case <-time.After(testTimeout):
		t.Fatalf("no wake in %v", testTimeout)
		return Pending
	}
}

// Chunks taken in together are sent together, at once: they are not to linger.
func TestCoalesce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["linger"] = "10s"
		o, _ := network.startOutput(t, properties)
		const chunks, n = 20, 5
		before := time.Now()
		for round := 1; round <= 3; round++ {
			var wakers []resultWaker
			o.Coalesce(func() {
				for i := range chunks {
					w, chunk := make(resultWaker, 2), events(i*n, n, "hello")
					if r := o.Submit("test.tag", chunk, w, false).Advance(chunk); r != Pending {
						t.Fatalf("result %d of a chunk that cannot have been sent", r)
					}
					wakers = append(wakers, w)
				}
			})
			for _, w := range wakers {
				if r := w.result(t); r != OK {
					t.Errorf("result %d", r)
				}
				if len(w) > 0 {
					t.Error("a second wake after the result")
				}
			}
			if got := e.ProduceRequests(); got != round {
				t.Errorf("%d requests for %d times %d chunks", got, round, chunks)
			}
		}
		if took := time.Since(before); took >= 10*time.Second {
			t.Errorf("it took %v: the records lingered", took)
		}
	})
}
