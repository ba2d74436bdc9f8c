package produce

// outcome is what became of the batches of a request that will not be sent
// again.
type outcome struct {
	arrived  []*batch
	rejected []rejected
	dropped  []*batch // their owners get the records back
}

// rejected is a batch of one record, and why the broker does not take it.
type rejected struct {
	batch *batch
	err   error
}

// tell tells the owners.
func (s *outcome) tell(p *Producer) {
	for _, b := range s.arrived {
		p.observer.Acked(b.queue.topic.name, b.count, b.bytes)
		for _, part := range b.parts {
			part.owner.Acked(part.records)
		}
		p.pool.put(b.wire)
	}
	for _, r := range s.rejected {
		err := r.batch.each(func(o Owner, key, value []byte, millis int64) {
			o.Rejected(Record{r.batch.queue.topic.name, key, value, millis}, r.err)
		})
		if err != nil {
			p.observer.Panicked(err)
			s.dropped = append(s.dropped, r.batch)
		}
	}
	for _, b := range s.dropped {
		if b.waits {
			b.waits = false
			p.retrying.Add(-1)
		}
		for _, part := range b.parts {
			part.owner.Released(part.records)
		}
	}
}
