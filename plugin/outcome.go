package plugin

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
