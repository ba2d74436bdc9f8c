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
// comes while it is on the way makes the next batches fuller.
type Producer struct {
	options        Options
	cluster        Cluster
	observer       Observer
	compressors    compressors
	keyPartitioner kgo.Partitioner // nil: the key does not decide the partition
	ctx            context.Context // of the requests, until Close
	cancel         context.CancelFunc
	goroutines     sync.WaitGroup
	pool           pool
	retrying       atomic.Int64 // batches that failed and wait

	// mu guards the fields below, and all topics, partitions, brokers and queues. A
	// function whose name ends in Locked is called with it held.
	mu                  sync.Mutex
	closed              bool
	holds               int // until all are released nothing is sent
	topics              map[string]*topic
	activeTopics        []*topic // those with batches
	startTopic          int      // index of the active topic to begin with
	brokers             map[int32]*broker
	requestingMetadata  bool      // a metadata request is on the way
	metadataRequestedAt time.Time // when the last one was sent
	metadataBackoff     backoff   // after a metadata request that failed as a whole
	timer               *time.Timer
	nextWake            time.Time  // when the timer is due; zero: never
	keyScratch          kgo.Record // lent to keyPartitioner

	uncompressedQueue []*batch // waiting to be compressed
	compressWorkers   int      // goroutines that compress
}

// broker is one that leads partitions.
type broker struct {
	id       int32
	inflight *request // on the way; nil: none
	next     *request // takes batches
	backoff  backoff
	// requests go to the goroutine that sends them: a new one for each would have
	// to find its stack again.
	requests chan *request
}

// New returns a producer. The error says which option is wrong.
func New(o Options, c Cluster, obs Observer) (*Producer, error) {
	if o.MaxBatchBytes <= batchHeaderBytes || o.MaxRequestBytes <= 0 {
		return nil, fmt.Errorf("batches of %d bytes and requests of %d cannot be made", o.MaxBatchBytes, o.MaxRequestBytes)
	}
	if o.Acks == 0 || o.Timeout <= 0 || o.Backoff == nil {
		return nil, errors.New("acks, timeout and backoff must be given: a broker that does not answer cannot report a loss")
	}
	p := &Producer{options: o, cluster: c, observer: obs, topics: make(map[string]*topic), brokers: make(map[int32]*broker)}
	var err error
	if p.compressors, err = newCompressors(o.Compression, o.Level); err != nil {
		return nil, fmt.Errorf("compression %s: %w", o.Compression, err)
	}
	if o.Partitioner == KeyHash {
		p.keyPartitioner = kgo.StickyKeyPartitioner(nil)
	}
	p.pool.batchBytes = o.MaxBatchBytes
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.timer = time.AfterFunc(time.Hour, p.onTimer)
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
			t = p.activeTopicLocked(r.Topic, now)
		}
		p.appendRecordLocked(p.queueForLocked(t, r.Key), o, r.Key, r.Value, r.Millis, now)
	}
	p.scheduleLocked()
	return true
}

// Retrying is how many batches failed and wait to be sent again.
func (p *Producer) Retrying() int { return int(p.retrying.Load()) }

// background runs f in a goroutine that Close waits for.
func (p *Producer) background(f func()) {
	p.goroutines.Go(func() {
		defer p.recoverPanic()
		f()
	})
}

// recoverPanic, deferred, keeps a panic from ending the process.
func (p *Producer) recoverPanic() {
	if cause := recover(); cause != nil {
		p.observer.Panicked(cause)
	}
}

// appendRecordLocked appends a record to the open batch of q.
func (p *Producer) appendRecordLocked(q *queue, o Owner, key, value []byte, millis int64, now time.Time) {
	need := len(key) + len(value) + MaxRecordOverhead
	if q.open != nil && len(q.open.wire)+need > p.options.MaxBatchBytes {
		p.closeBatchLocked(q)
	}
	if q.open == nil {
		q.open = &batch{queue: q}
		if q.lastSize > 0 {
			q.open.wire, q.open.runs = p.pool.get(q.lastSize)[:batchHeaderBytes], make([]run, 0, q.lastRuns)
		}
		q.lingerUntil = now.Add(p.options.Linger)
	}
	p.grow(q.open, o, key, value, millis)
}

// grow adds a record to b, whose memory grows if needed.
func (p *Producer) grow(b *batch, o Owner, key, value []byte, millis int64) {
	need := len(key) + len(value) + MaxRecordOverhead
	if cap(b.wire)-len(b.wire) < need {
		size := max(min(2*cap(b.wire), p.options.MaxBatchBytes), max(batchHeaderBytes, len(b.wire))+need)
		wire := append(p.pool.get(size)[:batchHeaderBytes], b.wire[min(batchHeaderBytes, len(b.wire)):]...)
		p.pool.put(b.wire)
		b.wire = wire
	}
	b.add(o, key, value, millis)
}

// closeBatchLocked closes the open batch of q: it takes no more records.
func (p *Producer) closeBatchLocked(q *queue) {
	b := q.takeOpen()
	q.closed = append(q.closed, b)
	if q != &q.topic.unassigned {
		p.compressLaterLocked(b)
	}
}

// Hold keeps everything back until release is called, exactly once. release sends
// what was held back without waiting for linger.
func (p *Producer) Hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
	return p.releaseHold
}

func (p *Producer) releaseHold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	p.endLingerLocked()
}

// Flush sends open batches without waiting for linger.
func (p *Producer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLingerLocked()
}

// RetryNow ends every wait after a failure.
func (p *Producer) RetryNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.metadataBackoff.expire()
	for _, b := range p.brokers {
		b.backoff.expire()
	}
	for _, t := range p.topics {
		t.metadataBackoff.expire()
		t.backoff.expire()
		for _, part := range t.partitions {
			part.backoff.expire()
		}
	}
	p.scheduleLocked()
}

// Close takes nothing more, releases what was not sent, and gives up the requests
// on the way, whose records are released too. It waits for the goroutines of the
// producer, as long as ctx lasts.
func (p *Producer) Close(ctx context.Context) error {
	res := p.stop()
	res.deliver(p)
	done := make(chan struct{})
	go func() {
		defer p.recoverPanic()
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

// stop marks the producer as closed, and returns the batches that were not sent.
func (p *Producer) stop() (res results) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return res
	}
	p.closed = true
	p.timer.Stop()
	p.cancel()
	for _, t := range p.activeTopics {
		t.eachQueue(func(q *queue) {
			res.released = append(res.released, q.closed...)
			if q.open != nil {
				res.released = append(res.released, q.open)
			}
		})
	}
	p.activeTopics = nil
	for _, b := range p.brokers {
		if b.requests != nil {
			close(b.requests)
		}
	}
	return res
}
