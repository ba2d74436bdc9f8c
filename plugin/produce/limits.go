package produce

import "time"

// learntFor is how long a limit that a refusal showed is kept to before more is
// tried again: what was refused may be taken after a change of the service.
const learntFor = 10 * time.Minute

// leastBatchBytes is the smallest limit of a batch that is learnt.
const leastBatchBytes = 4 << 10

// batchLimit is the size of batches that a topic takes, as far as refusals show.
type batchLimit struct {
	bytes   int // before compression; 0: as configured
	until   time.Time
	largest int // that was taken since the limit was learnt
}

// of returns the limit at a time, with configured as the most.
func (l *batchLimit) of(configured int, now time.Time) int {
	if l.bytes == 0 {
		return configured
	}
	for now.After(l.until) && l.bytes < configured {
		l.bytes *= 2
		l.until = l.until.Add(learntFor)
	}
	if l.bytes >= configured {
		*l = batchLimit{}
		return configured
	}
	return l.bytes
}

// refused notes that a batch of that many bytes was too large.
func (l *batchLimit) refused(size, configured int, now time.Time) {
	limit := max(size/2, l.largest, leastBatchBytes)
	if limit < l.of(configured, now) {
		l.bytes, l.until = limit, now.Add(learntFor)
	}
}

// took notes that a batch was not. What counts for the broker is its size as sent.
func (l *batchLimit) took(b *batch) {
	if l.bytes > 0 && b.codec == 0 {
		l.largest = max(l.largest, b.size)
	}
}

// refusesCodecLocked tells whether the brokers refused the codec lately.
func (p *Producer) refusesCodecLocked(now time.Time) bool { return now.Before(p.plainUntil) }
