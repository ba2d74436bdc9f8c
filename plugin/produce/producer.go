package produce

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer batches records and sends the batches through the connections of a
// Kafka client. The client's own producer spends more time on a record than its
// encoding takes, and tells what became of it record by record; here the unit is
// the batch.
//
// A broker gets one request at a time, with one batch for each partition: what
// comes meanwhile makes the next batches fuller.
type Producer struct {
	options     Options
	cluster     Cluster
	observer    Observer
	compressors compressors
	keyHash     kgo.Partitioner // nil: keys do not say the partition
	ctx         context.Context // of the requests, until Close
	cancel      context.CancelFunc
	goroutines  sync.WaitGroup
	pool        pool
	retrying    atomic.Int64 // batches that failed and wait

	mu      sync.Mutex
	closed  bool
	holds   int // until all are released nothing is sent
	topics  map[string]*topic
	active  []*topic // those with batches
	turn    int      // the active topic to begin with
	brokers map[int32]*broker
	asking  bool      // for shards
	asked   time.Time // when that was begun last
	asks    pause     // of asking
	timer   *time.Timer
	wake    time.Time  // when there is something to do, of what waits for time; zero: never
	keyed   kgo.Record // lent to keyHash

	unpacked []*batch
	packers  int
}

// broker is one that leads shards.
type broker struct {
	id      int32
	sending *request // on the way; nil: none
	next    *request // being put together
	pause   pause
	// requests go to the goroutine that sends them: a new one for each would have
	// to find its stack again.
	requests chan *request
}

// New returns a producer. The error says which option is wrong.
func New(o Options, c Cluster, w Observer) (*Producer, error) {
	if o.BatchBytes <= batchHeader || o.RequestBytes <= 0 {
		return nil, fmt.Errorf("batches of %d bytes and requests of %d cannot be made", o.BatchBytes, o.RequestBytes)
	}
	if o.Acks == 0 || o.Timeout <= 0 || o.Backoff == nil {
		return nil, errors.New("acks, timeout and backoff must be given: a broker that does not answer cannot report a loss")
	}
	p := &Producer{options: o, cluster: c, observer: w, topics: make(map[string]*topic), brokers: make(map[int32]*broker)}
	var err error
	if p.compressors, err = newCompressors(o.Compression, o.Level); err != nil {
		return nil, fmt.Errorf("compression %s: %w", o.Compression, err)
	}
	if o.Partitioner == KeyHash {
		p.keyHash = kgo.StickyKeyPartitioner(nil)
	}
	p.pool.largest = o.BatchBytes
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.timer = time.AfterFunc(time.Hour, p.timed)
	return p, nil
}

// Add takes records of an owner. It returns false where the producer is closed:
// then it has taken none.
func (p *Producer) Add(o Owner, records []Record) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	now := time.Now()
	var t *topic
	for i := range records {
		r := &records[i]
		if t == nil || t.name != r.Topic {
			t = p.topicOf(r.Topic, now)
		}
		p.place(p.queueOf(t, r.Key), o, r.Key, r.Value, r.Millis, now)
	}
	p.advance()
	return true
}

// Retrying is how many batches failed and wait to be sent again.
func (p *Producer) Retrying() int { return int(p.retrying.Load()) }

// background runs f in a goroutine that Close waits for.
func (p *Producer) background(f func()) {
	p.goroutines.Go(func() {
		defer p.contain()
		f()
	})
}

// contain, deferred, keeps a panic from ending the process.
func (p *Producer) contain() {
	if cause := recover(); cause != nil {
		p.observer.Panicked(cause)
	}
}

// topicOf returns a topic that is to get records.
func (p *Producer) topicOf(name string, now time.Time) *topic {
	t := p.known(name)
	t.used = now
	p.activate(t)
	return t
}

func (p *Producer) activate(t *topic) {
	if !t.active {
		t.active = true
		p.active = append(p.active, t)
	}
}

func (p *Producer) known(name string) *topic {
	t := p.topics[name]
	if t == nil {
		t = &topic{name: name, used: time.Now()}
		t.any.topic, t.homeless.topic = t, t
		if p.keyHash != nil {
			t.hash = p.keyHash.ForTopic(name)
		}
		p.topics[name] = t
	}
	return t
}

// place appends a record to the open batch of q.
func (p *Producer) place(q *queue, o Owner, key, value []byte, millis int64, now time.Time) {
	need := len(key) + len(value) + Framing
	if q.open != nil && len(q.open.wire)+need > p.options.BatchBytes {
		p.fill(q)
	}
	if q.open == nil {
		q.open = &batch{queue: q}
		if q.size > 0 {
			q.open.wire, q.open.parts = p.pool.take(q.size)[:batchHeader], make([]part, 0, q.parts)
		}
		q.due = now.Add(p.options.Linger)
	}
	p.extend(q.open, o, key, value, millis)
}

// extend appends a record to b, for which it makes room.
func (p *Producer) extend(b *batch, o Owner, key, value []byte, millis int64) {
	need := len(key) + len(value) + Framing
	if cap(b.wire)-len(b.wire) < need {
		size := max(min(2*cap(b.wire), p.options.BatchBytes), max(batchHeader, len(b.wire))+need)
		wire := append(p.pool.take(size)[:batchHeader], b.wire[min(batchHeader, len(b.wire)):]...)
		p.pool.put(b.wire)
		b.wire = wire
	}
	b.add(o, key, value, millis)
}

// fill takes the open batch of q as full.
func (p *Producer) fill(q *queue) {
	b := q.close()
	q.line = append(q.line, b)
	if q != &q.topic.homeless {
		p.pack(b)
	}
}

// advance sends what can be sent. p.mu is held.
func (p *Producer) advance() {
	if p.closed || p.holds > 0 {
		return
	}
	now := time.Now()
	p.wake = time.Time{}
	var ask []*topic
	n := len(p.active)
	for i := range n {
		t := p.active[(p.turn+i)%n]
		if t.wantsShards(now) {
			ask = append(ask, t)
		}
		p.plan(t, now)
	}
	p.turn++
	p.ask(ask, now)
	for _, b := range p.brokers {
		if b.next != nil {
			b.next.start()
		}
	}
	p.forgetSent()
	if !p.wake.IsZero() {
		p.timer.Reset(max(0, p.wake.Sub(now)))
	}
}

// forgetSent takes topics without batches off the active ones.
func (p *Producer) forgetSent() {
	kept := p.active[:0]
	for _, t := range p.active {
		if t.active = !t.empty(); t.active {
			kept = append(kept, t)
		}
	}
	clear(p.active[len(kept):])
	p.active = kept
}

// timed is called when something has waited long enough.
func (p *Producer) timed() {
	defer p.contain()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
}

// at asks for advance to be called then.
func (p *Producer) at(when time.Time) {
	if p.wake.IsZero() || when.Before(p.wake) {
		p.wake = when
	}
}

// plan puts the batches of a topic that can be sent into requests.
func (p *Producer) plan(t *topic, now time.Time) {
	if !t.pause.over(now) {
		p.at(t.pause.until)
		return
	}
	n := len(t.shards)
	for i := range n {
		s := t.shards[(t.turn+i)%n]
		if s.own.empty() && t.any.empty() || !p.free(s, now) {
			continue
		}
		if !p.offer(&s.own, s, now) {
			p.offer(&t.any, s, now)
		}
	}
	t.turn++
}

// free tells whether s can get a batch now.
func (p *Producer) free(s *shard, now time.Time) bool {
	if s.sending != nil || s.leader < 0 || p.brokers[s.leader].sending != nil {
		return false
	}
	for _, until := range [...]time.Time{s.pause.until, s.floor, p.brokers[s.leader].pause.until} {
		if now.Before(until) {
			p.at(until)
			return false
		}
	}
	return true
}

// offer sends s, which is free, a batch of q, if there is one.
func (p *Producer) offer(q *queue, s *shard, now time.Time) bool {
	if b := q.first(); b != nil {
		if !p.put(b, s) {
			return false
		}
		q.pop()
		return true
	}
	if len(q.line) > 0 || q.open == nil {
		return false
	}
	if now.Before(q.due) {
		p.at(q.due)
		return false
	}
	// It grew until here, since no shard was free. Now it goes at once, and is
	// compressed on the way.
	if !p.put(q.open, s) {
		return false
	}
	q.close()
	return true
}
