package plugin

import (
	"slices"
	"testing"

	"out_sls_kafka/test/sls"
)

// A result is given by one wake at most, and no wake follows it.
func TestResultIsGivenOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		o, _ := network.startOutput(t, properties)
		w, chunk := make(resultWaker, 2), events(0, 1, "hello")
		c := o.Submit("test.tag", chunk, w, false)
		eventually(t, "a result", func() bool { return c.Advance(chunk) != Pending })
		if c.wake() {
			t.Error("a wake after the result")
		}
		if len(w) > 1 || len(w) == 1 && <-w != OK {
			t.Error("wakes besides the result's")
		}
	})
}

// A chunk whose first records are given back while the others are encoded ends
// only then: before, its data is still being read.
func TestNoResultWhileReading(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		properties["linger"] = "10s"
		o, _ := network.startOutput(t, properties)
		w, chunk := make(resultWaker, 2), events(0, 1, "hello")
		c := o.Submit("test.tag", chunk, w, false)
		c.beginEncoding()
		piece := new(workspace)
		o.encoder.Append(&piece.batch, chunk, "test.tag")
		if !c.reservePiece(piece, chunk, 0) || !c.addPiece(piece, chunk) {
			t.Fatal("the records find no room")
		}
		if err := o.producer.Close(t.Context()); err != nil {
			t.Error(err)
		}
		o.requestThread()
		if c.currentResult() != Retry || len(w) > 0 || o.idle() {
			t.Errorf("result %d, %d wakes: the chunk must have its result and keep it to itself", c.currentResult(), len(w))
		}
		c.endEncoding(true)
		if r := w.result(t); r != Retry || !o.idle() {
			t.Errorf("result %d, want %d and no chunk in flight", r, Retry)
		}
	})
}

// Each state leads to those of the picture, and to no other.
func TestChunkStates(t *testing.T) {
	t.Parallel()
	may := map[chunkState][]chunkState{
		waiting:  {encoding, done},
		encoding: {waiting, inflight, done},
		inflight: {done},
	}
	for from := range chunkState(len(chunkTransitions)) {
		for to := range chunkState(len(chunkTransitions)) {
			panicked := func() (caused bool) {
				defer func() { caused = recover() != nil }()
				(&Chunk{state: from}).toLocked(to)
				return false
			}()
			if want := !slices.Contains(may[from], to); panicked != want {
				t.Errorf("from %d to %d: panics %v, want %v", from, to, panicked, want)
			}
		}
	}
}
