package produce

import "sync"

// rejectedBatch is a batch, and why the broker refuses it.
type rejectedBatch struct {
	batch *batch
	err   error
	told  int // records whose owners have heard of it
}

// toldAtOnce is how many records owners hear of before it is looked whether they have room
// for more.
const toldAtOnce = 1000

// rejections are refused batches whose owners have not heard of all their records. These wait
// as they are: one by one they take several times as much.
type rejections struct {
	mu      sync.Mutex
	waiting []rejectedBatch
	closed  bool
}

// tellRejected tells owners of the records of a refused batch. If they have no room for
// these, it lets the batch wait, or releases it at the end.
func (p *Producer) tellRejected(r rejectedBatch) {
	q := &p.rejections
	for last := false; !last; last = p.tellSome(&r) {
		q.mu.Lock()
		closed, full := q.closed, p.observer.RejectsWait()
		waits := !closed && (full || len(q.waiting) > 0)
		if waits {
			q.waiting = append(q.waiting, r)
		}
		q.mu.Unlock()
		switch {
		case waits:
			return
		case full:
			p.releaseRest(r)
			return
		}
	}
}

// TellRejected tells the owners of refused records that wait, until these have to wait
// again. It is to be called when [Observer].RejectsWait may have become false.
func (p *Producer) TellRejected() {
	for r, ok := p.nextRejected(); ok; r, ok = p.nextRejected() {
		if !p.tellSome(&r) {
			p.putBackRejected(r)
		}
	}
}

func (p *Producer) nextRejected() (r rejectedBatch, ok bool) {
	q := &p.rejections
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || p.observer.RejectsWait() {
		return r, false
	}
	r, q.waiting[0] = q.waiting[0], rejectedBatch{}
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return r, true
}

func (p *Producer) putBackRejected(r rejectedBatch) {
	q := &p.rejections
	q.mu.Lock()
	closed := q.closed
	if !closed {
		q.waiting = append([]rejectedBatch{r}, q.waiting...)
	}
	q.mu.Unlock()
	if closed {
		p.releaseRest(r)
	}
}

// tellSome tells the owners of the next records of a refused batch, as long as they have room:
// to read the batch once more means to unpack it once more. It returns whether these were the
// last.
func (p *Producer) tellSome(r *rejectedBatch) (last bool) {
	i, waits := 0, false
	err := r.batch.eachRecord(func(o Owner, key, value []byte, millis int64) {
		if i == r.told && !waits {
			r.told++
			p.ownerRejected(o, Record{o, r.batch.queue.topic.name, key, value, millis}, r.err)
			waits = r.told%toldAtOnce == 0 && p.observer.RejectsWait()
		}
		i++
	})
	switch {
	case err != nil:
		p.observer.Panicked(err)
		p.releaseRest(*r)
	case r.told < r.batch.count:
		return false
	}
	r.batch.wire = nil // owners have copies of what they keep, and more batches may follow
	return true
}

// releaseRest releases the records of a refused batch whose owners have not heard of it.
func (p *Producer) releaseRest(r rejectedBatch) {
	r.batch.to(released)
	for _, run := range r.batch.runs {
		n := min(r.told, run.records)
		r.told -= n
		if run.records -= n; run.records > 0 {
			p.ownerReleased(run)
		}
	}
}

// closeRejected releases what waits.
func (p *Producer) closeRejected() {
	q := &p.rejections
	q.mu.Lock()
	waiting := q.waiting
	q.waiting, q.closed = nil, true
	q.mu.Unlock()
	for _, r := range waiting {
		p.releaseRest(r)
	}
}

// retained adds what waits.
func (q *rejections) retained(r *Retained) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiting {
		r.add(w.batch)
	}
}
