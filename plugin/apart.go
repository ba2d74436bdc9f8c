package plugin

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// apart takes refused batches apart: a record is rejected only when the broker
// refused it alone. It has clients of its own, because in the common client
// the records of other chunks would share its batches, and the client fails
// all that is buffered for a shard when one batch of it is refused.
type apart struct {
	out *Output

	mu      sync.Mutex
	line    []*Chunk
	working bool
	closed  bool
	same    *kgo.Client // with the configured codec
	plain   *kgo.Client // uncompressed, for a broker that refuses the codec
}

// add queues a chunk some of whose records were refused. The chunk comes back
// to its delivery when each of them is acknowledged, rejected, or failed with
// an error that can pass.
func (a *apart) add(c *Chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.line = append(a.line, c)
	if !a.working {
		a.working = true
		a.out.background(a.work)
	}
}

func (a *apart) work() {
	for {
		a.mu.Lock()
		if len(a.line) == 0 {
			a.working = false
			a.mu.Unlock()
			return
		}
		c := a.line[0]
		a.line = a.line[1:]
		a.mu.Unlock()
		a.take(c)
	}
}

// take settles the refused records of one chunk.
func (a *apart) take(c *Chunk) {
	defer a.out.contain(c)
	var refused []*kgo.Record
	failed := c.failed
	c.failed = nil
	plain := false
	for _, f := range failed {
		if classify(f.err).action == takeApart {
			refused = append(refused, f.record)
			plain = plain || errors.Is(f.err, kerr.UnsupportedCompressionType)
		} else {
			c.failed = append(c.failed, f)
		}
	}
	for len(refused) > 0 {
		n := 1
		for n < len(refused) && refused[n].Topic == refused[0].Topic {
			n++
		}
		a.send(c, refused[:n], plain)
		refused = refused[n:]
	}
	c.afterApart()
}

// send produces the group as a batch of its own, and halves it while it is
// refused.
func (a *apart) send(c *Chunk, group []*kgo.Record, plain bool) {
	if len(group) == 0 {
		return
	}
	var refused []*kgo.Record
	var acknowledged, bytes int64
	for _, result := range a.produce(group, plain) {
		switch {
		case result.err == nil:
			acknowledged++
			bytes += int64(len(result.record.Value))
		case classify(result.err).action != takeApart:
			a.out.health.failed(result.err)
			c.failed = append(c.failed, failure{result.record, result.err})
		case len(group) == 1 && (plain || !errors.Is(result.err, kerr.UnsupportedCompressionType)):
			c.rejectRefused(failure{result.record, result.err})
		default:
			plain = plain || errors.Is(result.err, kerr.UnsupportedCompressionType)
			refused = append(refused, result.record)
		}
	}
	a.out.stats.acknowledge(acknowledged, bytes)
	if acknowledged > 0 {
		a.out.health.acknowledged()
	}
	if len(refused) < len(group) || len(refused) == 1 {
		a.send(c, refused, plain)
		return
	}
	half := len(refused) / 2
	a.send(c, refused[:half], plain)
	a.send(c, refused[half:], plain)
}

// produce sends the group and waits for its results.
func (a *apart) produce(group []*kgo.Record, plain bool) []failure {
	results := make([]failure, 0, len(group))
	client, err := a.client(plain)
	if err != nil {
		for _, r := range group {
			results = append(results, failure{r, err})
		}
		return results
	}
	a.out.stats.resent.Add(int64(len(group)))
	for _, r := range group {
		r.Context = nil
		client.Produce(context.Background(), r, func(r *kgo.Record, err error) { results = append(results, failure{r, err}) })
	}
	_ = client.Flush(context.Background()) // it can only fail with its context
	return results
}

// client returns the client for one of the two codecs, made at its first use:
// most outputs never need it.
func (a *apart) client(plain bool) (*kgo.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, kgo.ErrClientClosed
	}
	which := &a.same
	// All of a group goes to one shard, as one batch, when it is complete.
	opts := append(a.out.clientOpts(), kgo.RecordPartitioner(kgo.StickyPartitioner()), kgo.ProducerLinger(0), kgo.ManualFlushing())
	if plain {
		which = &a.plain
		opts = append(opts, kgo.ProducerBatchCompression(kgo.NoCompression()))
	}
	if *which == nil {
		client, err := kgo.NewClient(opts...)
		if err != nil {
			return nil, err
		}
		*which = client
	}
	return *which, nil
}

func (a *apart) close() {
	a.mu.Lock()
	a.closed = true
	clients := []*kgo.Client{a.same, a.plain}
	a.mu.Unlock()
	for _, client := range clients {
		if client != nil {
			client.Close()
		}
	}
}
