package plugin

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// apart takes a refused batch apart: a record is rejected only when the broker
// refused it alone. p.mu is held.
func (p *producer) apart(b *batch, refused error, settled *outcome) {
	codec := errors.Is(refused, kerr.UnsupportedCompressionType)
	if b.count == 1 && (b.plain || !codec) {
		settled.rejected = append(settled.rejected, rejected{b, refused})
		return
	}
	first := b.count / 2
	if codec && !b.plain {
		first = b.count // nothing may be wrong with it but the codec
	}
	parts, err := p.split(b, first, b.plain || codec)
	if err != nil {
		p.out.log.Errorf("internal error, please report it: %v", err)
		settled.dropped = append(settled.dropped, b)
		return
	}
	p.again(parts...)
	p.out.memories.put(b.wire)
}

// split makes two batches of b, the first with so many records, or one where
// these are all.
func (p *producer) split(b *batch, first int, plain bool) (parts []*batch, err error) {
	parts = append(parts, &batch{queue: b.queue, plain: plain, alone: true})
	err = b.each(func(c *Chunk, key, value []byte, millis int64) {
		part := parts[len(parts)-1]
		if part.count == first {
			part = &batch{queue: b.queue, plain: plain, alone: true}
			parts = append(parts, part)
		}
		p.extend(part, c, key, value, millis)
	})
	for _, part := range parts {
		p.pack(part)
	}
	return parts, err
}

// outcome is what became of the batches of a request that will not be sent
// again.
type outcome struct {
	arrived  []*batch
	rejected []rejected
	dropped  []*batch // their chunks go back to Fluent Bit
}

// rejected is a batch of one record, and why the broker does not take it.
type rejected struct {
	batch *batch
	err   error
}

// tell settles the chunks.
func (s *outcome) tell(o *Output) {
	for _, b := range s.arrived {
		o.stats.acknowledge(int64(b.count), b.bytes)
		o.health.acknowledged()
		for _, p := range b.parts {
			p.chunk.settle(p.records)
		}
		o.memories.put(b.wire)
	}
	for _, r := range s.rejected {
		err := r.batch.each(func(c *Chunk, _, value []byte, millis int64) {
			c.rejectRefused(r.batch.queue.topic.name, value, millis, r.err)
			c.settle(1)
		})
		if err != nil {
			o.log.Errorf("internal error, please report it: %v", err)
			s.dropped = append(s.dropped, r.batch)
		}
	}
	for _, b := range s.dropped {
		if b.waits {
			b.waits = false
			o.stats.waiting.Add(-1)
		}
		for _, p := range b.parts {
			p.chunk.finish(Retry)
		}
	}
}
