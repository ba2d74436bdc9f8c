package produce

import "time"

// learntFor is how long a limit that a refusal showed is kept to before more is
// tried again: what was refused may be taken after a change of the service.
const learntFor = 10 * time.Minute

// leastLimit is the smallest limit that is learnt.
const leastLimit = 4 << 10

// sizeLimit is what goes through at once, as far as refusals and losses show: the size of
// the batches of a topic, or of requests.
type sizeLimit struct {
	bytes   int // of batches before compression, of requests as they are sent; 0: as configured
	until   time.Time
	largest int // batch that went through since the limit was learnt
}

// of returns the limit at a time, with configured as the most.
func (l *sizeLimit) of(configured int, now time.Time) int {
	if l.bytes == 0 {
		return configured
	}
	for now.After(l.until) && l.bytes < configured {
		l.bytes *= 2
		l.until = l.until.Add(learntFor)
	}
	if l.bytes >= configured {
		*l = sizeLimit{}
		return configured
	}
	return l.bytes
}

// refused notes that so large a one did not go through.
func (l *sizeLimit) refused(size, configured int, now time.Time) {
	l.learn(max(size/2, l.largest, leastLimit), configured, now)
}

// learn keeps to a limit for a while, if it is smaller than the one before.
func (l *sizeLimit) learn(limit, configured int, now time.Time) {
	if limit < l.of(configured, now) {
		l.bytes, l.until = limit, now.Add(learntFor)
	}
}

// took notes that a batch of that size went through. Of requests [losses] knows it.
func (l *sizeLimit) took(size int) {
	if l.bytes > 0 {
		l.largest = max(l.largest, size)
	}
}

// leastRequestBytes is the smallest limit of requests that losses show. Smaller ones would
// make a service slow that lost some requests for another reason, and what cuts them is
// rare: their batches are divided then.
const leastRequestBytes = 64 << 10

// losses is what a broker's answers say about the size of requests: something on the way
// to it may cut large ones.
type losses struct {
	lostAt   time.Time // the last request without an answer; zero: none
	answered int       // the largest request that was answered since
}

// lost notes that a request got no answer. It returns the size that went through if that of
// the request is the reason, as far as is known, and else 0: it is the second that is lost, and
// larger than all that were answered in between. An outage loses every request, and a network
// that loses some loses small ones too. answeredAt is when the broker answered last.
func (l *losses) lost(bytes int, answeredAt, now time.Time) int {
	first, silent, answered := l.lostAt.IsZero(), !answeredAt.After(l.lostAt), l.answered
	l.lostAt, l.answered = now, 0
	if first || silent || bytes <= answered || bytes < 2*leastRequestBytes {
		return 0
	}
	return max(answered, leastRequestBytes)
}

// answer notes that a request was answered.
func (l *losses) answer(bytes int) {
	l.answered = max(l.answered, bytes)
}

// noteRequestLocked notes what a request that is over says about its broker, and about the
// size of requests.
func (p *Producer) noteRequestLocked(r *request, err error, now time.Time) {
	b := r.broker
	if err == nil {
		b.backoff.Reset()
		b.losses.answer(r.bytes)
		return
	}
	p.undelivered.fail("", err)
	if limit := b.losses.lost(r.bytes, b.answeredAt, now); limit > 0 {
		b.atOnce.learn(limit, p.options.MaxRequestBytes, now)
	}
	if p.tooLargeLocked(b, r.bytes, now) && (len(r.batches) > 1 || r.batches[0].batch.count > 1) {
		// It will be smaller, and says nothing about the broker.
		b.backoff.until = now.Add(min(minRetryInterval, p.options.Backoff(1)))
		return
	}
	b.backoff.Failed(now, p.retryWait)
}

// tooLargeLocked tells whether that many bytes are more than what goes through to a broker, as
// losses show that are not too long ago.
func (p *Producer) tooLargeLocked(b *broker, bytes int, now time.Time) bool {
	limit := b.atOnce.of(p.options.MaxRequestBytes, now)
	return limit < p.options.MaxRequestBytes && bytes > limit
}

// requestBytesLocked returns the most bytes of a request of several batches to a broker:
// what goes through as far as is known, and after each loss a quarter of it, so that what a
// large request would hide is found out soon. A broker that is well again is asked little at
// first.
func (p *Producer) requestBytesLocked(b *broker, now time.Time) int {
	limit := b.atOnce.of(p.options.MaxRequestBytes, now)
	return max(limit>>(2*min(b.backoff.failures, 16)), min(limit, leastRequestBytes))
}

// refusesCodecLocked tells whether the brokers refused the codec lately.
func (p *Producer) refusesCodecLocked(now time.Time) bool { return now.Before(p.plainUntil) }
