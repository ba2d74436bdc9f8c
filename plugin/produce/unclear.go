package produce

import "out_sls_kafka/plugin/failure"

// unclearLocked tells whether a broker refused all batches of a request, although it
// may be about one of them: that it answers for each batch is not known until some
// failed and others were taken. They are sent again one by one, and more at a time as
// long as such requests are taken.
func (p *Producer) unclearLocked(r *request) bool {
	taken, failed, refused := 0, 0, 0
	for i := range r.batches {
		if err := r.batches[i].err; err == nil {
			taken++
		} else if failed++; failure.Of(err).Action == failure.Split {
			refused++
		}
	}
	p.answersByBatch = p.answersByBatch || taken > 0 && failed > 0
	return !p.answersByBatch && !p.closed && len(r.batches) > 1 && refused == len(r.batches)
}

// noteUnclear sets how many unclear batches the next request may have. While one of
// them is why, others go through between its refusals; if it was the service, it takes
// them all within some requests.
func (r *request) noteUnclear(unclear bool, requestErr error) {
	first := &r.batches[0]
	switch took := requestErr == nil && first.err == nil; {
	case unclear, first.batch.unclear && !took:
		r.broker.unclear = 1
	case first.batch.unclear:
		r.broker.unclear = max(r.broker.unclear, 2*len(r.batches))
	}
}

// joinsLocked tells whether a batch may be in a request together with those it has.
func (p *Producer) joinsLocked(r *request, b *batch) bool {
	switch first := r.batches[0].batch; {
	case b.exclusive || first.exclusive:
		return false
	case p.answersByBatch: // nothing is unclear any more
		return true
	case b.unclear != first.unclear:
		return false
	}
	return !b.unclear || len(r.batches) < r.broker.unclear
}
