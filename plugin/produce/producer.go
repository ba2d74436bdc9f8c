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
	if o.MaxBatchBytes <= batchHeader || o.MaxRequestBytes <= 0 {
		return nil, fmt.Errorf("batches of %d bytes and requests of %d cannot be made", o.MaxBatchBytes, o.MaxRequestBytes)
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
	p.pool.largest = o.MaxBatchBytes
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

// place appends a record to the open batch of q.
func (p *Producer) place(q *queue, o Owner, key, value []byte, millis int64, now time.Time) {
	need := len(key) + len(value) + MaxRecordOverhead
	if q.open != nil && len(q.open.wire)+need > p.options.MaxBatchBytes {
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
	need := len(key) + len(value) + MaxRecordOverhead
	if cap(b.wire)-len(b.wire) < need {
		size := max(min(2*cap(b.wire), p.options.MaxBatchBytes), max(batchHeader, len(b.wire))+need)
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

// Hold keeps everything back until release is called, which must be once. Release
// sends what was held back, and lets nothing linger.
func (p *Producer) Hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	return p.release
}

func (p *Producer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	p.endLinger()
}

// Flush sends open batches without waiting for linger.
func (p *Producer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLinger()
}

// RetryNow ends every wait after a failure.
func (p *Producer) RetryNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asks.hurry()
	for _, b := range p.brokers {
		b.pause.hurry()
	}
	for _, t := range p.topics {
		t.asks.hurry()
		t.pause.hurry()
		for _, s := range t.shards {
			s.pause.hurry()
		}
	}
	p.advance()
}

// Close takes nothing more, releases what was not sent, and gives up the requests
// on the way, whose records are released too. It waits for the goroutines of the
// producer, as long as ctx lasts.
func (p *Producer) Close(ctx context.Context) error {
	dropped := p.shut()
	dropped.tell(p)
	done := make(chan struct{})
	go func() {
		defer p.contain()
		defer close(done)
		p.goroutines.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a goroutine of the producer did not end: %w", ctx.Err())
	}
}

// shut takes nothing more, and returns the batches that were not sent.
func (p *Producer) shut() (dropped outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return dropped
	}
	p.closed = true
	p.timer.Stop()
	p.cancel()
	for _, t := range p.active {
		t.queues(func(q *queue) {
			dropped.dropped = append(dropped.dropped, q.line...)
			if q.open != nil {
				dropped.dropped = append(dropped.dropped, q.open)
			}
		})
	}
	p.active = nil
	for _, b := range p.brokers {
		if b.requests != nil {
			close(b.requests)
		}
	}
	return dropped
}
