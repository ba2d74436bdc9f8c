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
	rejections     rejections

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
	metadataBackoff     Backoff   // after a metadata request that failed as a whole
	timer               *time.Timer
	nextWake            time.Time  // when the timer is due; zero: never
	answersByBatch      bool       // a broker took some batches of a request and refused others
	plainUntil          time.Time  // batches are not compressed: the brokers refuse the codec
	undelivered         results    // what unlock has to tell
	keyScratch          kgo.Record // lent to keyPartitioner

	uncompressedQueue []*batch // waiting to be compressed
	compressWorkers   int      // goroutines that compress
}

// broker is one that leads partitions.
type broker struct {
	id         int32
	inflight   *request // on the way; nil: none
	next       *request // takes batches
	backoff    Backoff
	postponed  int       // how often its wait was made longer, for metadata fails as well
	answeredAt time.Time // when it answered a request last
	losses     losses
	atOnce     sizeLimit // of requests, as losses show
	unclear    int       // the most unclear batches in a request; 0: one
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

// Add takes records. It returns false where the producer is closed: then it has taken
// none.
func (p *Producer) Add(records []Record) bool {
	refused, ok := p.add(records)
	for _, i := range refused {
		p.ownerRejected(records[i].Owner, records[i], ErrNotSent)
	}
	return ok
}

// add returns the records that need not be sent to be refused.
func (p *Producer) add(records []Record) (refused []int, ok bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.closed {
		return nil, false
	}
	now := time.Now()
	var t *topic
	var last *batch // whose last run is the owner's of this topic
	for i := range records {
		r := &records[i]
		if t == nil || t.name != r.Topic {
			t = p.activeTopicLocked(r.Topic, now)
		}
		if t.ages.refuses(r.Millis, r.Millis, now) != nil {
			refused = append(refused, i)
			continue
		}
		size := RecordBytes(r.Key, r.Value)
		b := p.openBatchLocked(p.queueForLocked(t, r.Key, size, now), size, now)
		if b != last {
			b.own(r.Owner)
			last = b
		}
		b.add(r.Key, r.Value, r.Millis)
	}
	p.scheduleLocked()
	return refused, true
}

// Failing tells whether batches of a topic cannot be delivered: it is not known, or one
// of its batches failed and waits, or one of its partitions fails that batches wait for.
// Topic "" stands for the brokers: one of them did not answer last.
func (p *Producer) Failing(topic string) bool {
	p.mu.Lock()
	defer p.unlock()
	if p.closed {
		return false
	}
	if topic == "" {
		for _, b := range p.brokers {
			if b.backoff.Failing() {
				return true
			}
		}
		return p.metadataBackoff.Failing()
	}
	t := p.topics[topic]
	return t != nil && t.failing()
}

// Sending tells whether a produce request is on its way.
func (p *Producer) Sending() bool {
	p.mu.Lock()
	defer p.unlock()
	for _, b := range p.brokers {
		if b.inflight != nil {
			return true
		}
	}
	return false
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

// busyQueue is how soon after the last batch of a queue the next has to begin to be
// given as much memory at once: one of many logstores, each with a little now and
// then, must not keep what it needed once.
const busyQueue = time.Second

// openBatchLocked returns the open batch of q with room for a record of size bytes.
func (p *Producer) openBatchLocked(q *queue, size int, now time.Time) *batch {
	if q.open != nil && len(q.open.wire)+size > q.topic.batches.of(p.options.MaxBatchBytes, now) {
		p.closeBatchLocked(q)
		q.closedAt = now
	}
	if q.open == nil {
		q.open = &batch{queue: q}
		if q.lastSize > 0 && now.Sub(q.closedAt) < busyQueue {
			q.open.wire, q.open.runs = p.pool.get(q.lastSize)[:batchHeaderBytes], make([]run, 0, q.lastRuns)
		}
		q.lingerUntil = now.Add(p.options.Linger)
	}
	p.reserve(q.open, size)
	return q.open
}

// reserve gives b room for a record of size bytes.
func (p *Producer) reserve(b *batch, size int) {
	if cap(b.wire)-len(b.wire) >= size {
		return
	}
	grown := max(min(2*cap(b.wire), p.options.MaxBatchBytes), max(batchHeaderBytes, len(b.wire))+size)
	wire := append(p.pool.get(grown)[:batchHeaderBytes], b.wire[min(batchHeaderBytes, len(b.wire)):]...)
	p.pool.put(b.wire)
	b.wire = wire
}

// closeBatchLocked closes the open batch of q: it takes no more records.
func (p *Producer) closeBatchLocked(q *queue) {
	b := q.takeOpen()
	b.to(closed)
	q.fresh = append(q.fresh, b)
	if q != &q.topic.unassigned {
		p.compressLaterLocked(b)
	}
}

// Hold keeps everything back until release is called, exactly once. release sends
// what was held back without waiting for linger.
func (p *Producer) Hold() (release func()) {
	p.mu.Lock()
	defer p.unlock()
	p.holds++
	return p.releaseHold
}

func (p *Producer) releaseHold() {
	p.mu.Lock()
	defer p.unlock()
	p.holds--
	p.endLingerLocked()
}

// Flush sends open batches without waiting for linger.
func (p *Producer) Flush() {
	p.mu.Lock()
	defer p.unlock()
	p.endLingerLocked()
}

// Close takes nothing more, releases what was not sent, and gives up the requests
// on the way, whose records are released too. It waits for the goroutines of the
// producer, as long as ctx lasts.
func (p *Producer) Close(ctx context.Context) error {
	p.stop()
	p.closeRejected()
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

// stop marks the producer as closed, and releases the batches that were not sent.
func (p *Producer) stop() {
	p.mu.Lock()
	defer p.unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.timer.Stop()
	p.cancel()
	for _, t := range p.activeTopics {
		t.eachQueue(func(q *queue) { q.each(p.releaseLocked) })
	}
	p.activeTopics = nil
	for _, b := range p.brokers {
		if b.requests != nil {
			close(b.requests)
		}
	}
}

func (p *Producer) releaseLocked(b *batch) {
	if b.retrying {
		b.retrying = false
		p.retrying.Add(-1)
	}
	b.to(released)
	p.undelivered.released = append(p.undelivered.released, b)
}
