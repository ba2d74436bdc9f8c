package plugin

import (
	"testing"

	"out_sls_kafka/encoder"
	"out_sls_kafka/test/sls"
)

// A result is given by one wake at most, and no wake follows it.
func TestResultIsGivenOnce(t *testing.T) {
	t.Parallel()
	_, properties := startEndpoint(t, sls.Options{})
	o, _ := startOutput(t, properties)
	w, chunk := make(resultWaker, 2), events(0, 1, "hello")
	c := o.Submit("test.tag", chunk, w, false)
	eventually(t, "a result", func() bool { return c.Advance(chunk) != Pending })
	if c.wake() {
		t.Error("a wake after the result")
	}
	if len(w) > 1 || len(w) == 1 && <-w != OK {
		t.Error("wakes besides the result's")
	}
}

// A chunk whose first records are given back while the others are encoded ends
// only then: before, its data is still being read.
func TestNoResultWhileReading(t *testing.T) {
	t.Parallel()
	_, properties := startEndpoint(t, sls.Options{})
	properties["linger"] = "10s"
	o, _ := startOutput(t, properties)
	w, chunk := make(resultWaker, 2), events(0, 1, "hello")
	c := o.Submit("test.tag", chunk, w, false)
	c.claimed.Store(true)
	c.beginReading()
	var b encoder.Batch
	o.encoder.Append(&b, chunk, "test.tag")
	c.pending.Store(2)
	o.producer.Add(c, c.appendRecords(nil, &b))
	if err := o.producer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	o.requestThread()
	if c.currentResult() != Retry || len(w) > 0 || o.idle() {
		t.Errorf("result %d, %d wakes: the chunk must have its result and keep it to itself", c.currentResult(), len(w))
	}
	c.endReading()
	if r := w.result(t); r != Retry || !o.idle() {
		t.Errorf("result %d, want %d and no chunk in flight", r, Retry)
	}
}
