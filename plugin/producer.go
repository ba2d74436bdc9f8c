package plugin

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
)

// producer batches records and sends the batches through the connections of
// the Kafka client. The client's own producer spends more time on a record
// than the encoder does, and tells what became of it record by record; here
// the unit is the batch.
//
// A broker gets one request at a time, with one batch for each shard: what
// comes meanwhile makes the next batches fuller.
type producer struct {
	out         *Output
	compressors compressors
	roundRobin  bool
	keyHash     kgo.Partitioner // nil: keys do not say the shard
	ctx         context.Context // of the requests, until close
	cancel      context.CancelFunc

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

func (p *producer) open(o *Output) (err error) {
	p.out, p.topics, p.brokers = o, make(map[string]*topic), make(map[int32]*broker)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	switch o.cfg.Partitioner {
	case config.PartitionRoundRobin:
		p.roundRobin = true
	case config.PartitionKeyHash:
		p.keyHash = kgo.StickyKeyPartitioner(nil)
	}
	p.timer = time.AfterFunc(time.Hour, p.timed)
	p.compressors, err = newCompressors(o.cfg.Compression, o.cfg.CompressionLevel)
	return err
}

// add takes records of a chunk. b may be used again afterwards. Each record is
// settled, or the chunk is given back to Fluent Bit, at any time from now on. It
// returns false where the producer takes nothing any more.
func (p *producer) add(c *Chunk, b *encoder.Batch) bool {
	taken := p.take(c, b)
	if !taken {
		c.finish(Retry)
	}
	return taken
}

func (p *producer) take(c *Chunk, b *encoder.Batch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	now := time.Now()
	common := p.topicOf(p.out.topic, now)
	for i := range b.Records {
		r, t, key := &b.Records[i], common, p.out.key
		if r.Key.End > r.Key.Start {
			key = b.Bytes(r.Key)
		}
		if r.Route.End > r.Route.Start {
			t = p.topicOf(p.out.topics.of(b.Bytes(r.Route)), now)
		}
		// Kafka has no time before 1970.
		millis := max(r.Sec, 0)*1000 + int64(r.Nsec)/1e6
		p.place(p.queueOf(t, key), c, key, b.Bytes(r.Value), millis, now)
	}
	p.advance()
	return true
}

// topicOf returns a topic that is to get records.
func (p *producer) topicOf(name string, now time.Time) *topic {
	t := p.known(name)
	t.used = now
	p.activate(t)
	return t
}

func (p *producer) activate(t *topic) {
	if !t.active {
		t.active = true
		p.active = append(p.active, t)
	}
}

func (p *producer) known(name string) *topic {
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
func (p *producer) place(q *queue, c *Chunk, key, value []byte, millis int64, now time.Time) {
	need := len(key) + len(value) + framing
	if q.open != nil && len(q.open.wire)+need > batchBytes(p.out.cfg) {
		p.fill(q)
	}
	if q.open == nil {
		q.open = &batch{queue: q}
		if q.size > 0 {
			q.open.wire, q.open.parts = p.out.memories.take(q.size)[:batchHeader], make([]part, 0, q.parts)
		}
		q.due = now.Add(p.out.cfg.Linger)
	}
	p.extend(q.open, c, key, value, millis)
}

// extend appends a record to b, for which it makes room.
func (p *producer) extend(b *batch, c *Chunk, key, value []byte, millis int64) {
	need := len(key) + len(value) + framing
	if cap(b.wire)-len(b.wire) < need {
		size := max(min(2*cap(b.wire), batchBytes(p.out.cfg)), max(batchHeader, len(b.wire))+need)
		wire := append(p.out.memories.take(size)[:batchHeader], b.wire[min(batchHeader, len(b.wire)):]...)
		p.out.memories.put(b.wire)
		b.wire = wire
	}
	b.add(c, key, value, millis)
}

// fill takes the open batch of q as full.
func (p *producer) fill(q *queue) {
	b := q.close()
	q.line = append(q.line, b)
	if q != &q.topic.homeless {
		p.pack(b)
	}
}

// advance sends what can be sent. p.mu is held.
func (p *producer) advance() {
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
func (p *producer) forgetSent() {
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
func (p *producer) timed() {
	defer p.out.contain(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance()
}

// at asks for advance to be called then.
func (p *producer) at(when time.Time) {
	if p.wake.IsZero() || when.Before(p.wake) {
		p.wake = when
	}
}

// plan puts the batches of a topic that can be sent into requests.
func (p *producer) plan(t *topic, now time.Time) {
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
func (p *producer) free(s *shard, now time.Time) bool {
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
func (p *producer) offer(q *queue, s *shard, now time.Time) bool {
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
