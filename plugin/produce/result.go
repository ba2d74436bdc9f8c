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
		p.arrived(b)
		for _, part := range b.parts {
			p.acked(part)
		}
		p.pool.put(b.wire)
	}
	for _, r := range s.rejected {
		err := r.batch.each(func(o Owner, key, value []byte, millis int64) {
			p.rejected(o, Record{r.batch.queue.topic.name, key, value, millis}, r.err)
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
			p.released(part)
		}
	}
}

// A panic of whoever is told ends there: the others must hear of their records,
// and each of them once.

func (p *Producer) arrived(b *batch) {
	defer p.contain()
	p.observer.Acked(b.queue.topic.name, b.count, b.bytes)
}

func (p *Producer) failed(topic string, err error) {
	defer p.contain()
	p.observer.Failed(topic, err)
}

func (p *Producer) acked(of part) {
	defer p.contain()
	of.owner.Acked(of.records)
}

func (p *Producer) rejected(o Owner, r Record, err error) {
	defer p.contain()
	o.Rejected(r, err)
}

func (p *Producer) released(of part) {
	defer p.contain()
	of.owner.Released(of.records)
}
