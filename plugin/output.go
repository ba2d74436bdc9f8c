package plugin

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/produce"
)

// Env is what an Output needs of the process it lives in.
type Env struct {
	Log *Log
	// Stopping tells whether the process is shutting down; nil: never known.
	Stopping func() bool
	Metrics  MetricSink // nil: the log takes its place
}

// Output is one [OUTPUT] section at work. Its methods may be called from
// several threads.
type Output struct {
	cfg        *config.Config
	log        *Log
	stopping   func() bool
	encoder    *encoder.Encoder
	client     *kgo.Client
	topic      string
	key        []byte
	topics     topics
	buffer     buffer
	health     health
	stats      stats
	metrics    exporter
	producer   *produce.Producer
	cluster    *cluster
	retrying   func() int   // batches that failed and wait
	letters    *deadLetters // nil: not wanted
	sessions   *connect.Sessions
	workspaces sync.Pool // of *workspace

	mu       sync.Mutex
	live     chunks  // those without a result
	fresh    []Chunk // those to come: they are allocated together
	left     leftovers
	draining chan struct{} // non-nil while Close waits; closed when live is empty

	ended      atomic.Bool // no chunk is taken in or sent again any more
	endOnce    sync.Once
	quit       chan struct{}
	goroutines sync.WaitGroup
}

// New starts an output. Only with healthcheck require is a broker that cannot
// be reached an error.
func New(cfg *config.Config, s Env) (*Output, error) {
	o := &Output{cfg: cfg, log: s.Log, stopping: s.Stopping, topic: cfg.Topic(cfg.Logstore), sessions: connect.NewSessions(cfg), quit: make(chan struct{})}
	o.topics.cfg = cfg
	o.buffer.limit, o.buffer.growth = cfg.BufferLimit, firstGrowth
	o.health.out = o
	if cfg.MessageKey != "" {
		o.key = []byte(cfg.MessageKey)
	}
	if cfg.DeadLetterFile != "" {
		o.letters = &deadLetters{path: cfg.DeadLetterFile}
	}
	var err error
	if o.encoder, err = encoder.New(cfg.Encoding); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	if err = o.connect(); err != nil {
		return nil, err
	}
	o.cluster = &cluster{o.client, cfg.DialTimeout + cfg.RequestTimeout}
	if o.producer, err = produce.New(produceOptions(cfg), o.cluster, deliveries{o}); err != nil {
		return nil, err
	}
	o.retrying = o.producer.Retrying
	o.log.OnPending(o.nudge)
	if err := o.firstCheck(); err != nil {
		o.end()
		return nil, err
	}
	o.metrics.open(o, s.Metrics, time.Now())
	o.background(o.watch)
	return o, nil
}

// connect makes the client; it connects when something is to be sent.
func (o *Output) connect() error {
	opts, err := connect.Options(o.cfg)
	if err != nil {
		return err
	}
	o.client, err = kgo.NewClient(append(opts, kgo.Dialer(o.sessions.Dial), kgo.WithHooks(&o.health), kgo.WithLogger(clientLog{o.log}))...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	return nil
}

// Submit takes a chunk in. The chunk must be advanced at once, and again after
// each wake. worker says that the calling thread is one the host joins,
// without a limit, before Close is called. data is read during the call only.
func (o *Output) Submit(tag string, data []byte, w Waker, worker bool) *Chunk {
	if c := o.left.take(tag, data); c != nil {
		c.adopt(w, worker)
		return c
	}
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.fresh) == 0 {
		o.fresh = make([]Chunk, chunksTogether)
	}
	c := &o.fresh[0]
	o.fresh = o.fresh[1:]
	c.out, c.tag, c.length, c.start, c.waker, c.result = o, tag, len(data), now, w, Pending
	c.worker.Store(worker)
	if o.ended.Load() {
		c.result = Retry
		return c
	}
	o.live.add(c)
	o.buffer.enter(c)
	return c
}

// chunksTogether is how many chunks are allocated at a time. As long as one of
// them is there, all take memory: some kilobytes.
const chunksTogether = 32

// chunks are some in no order. A chunk is in one of them at most.
type chunks []*Chunk

func (s *chunks) add(c *Chunk) {
	c.place = len(*s)
	*s = append(*s, c)
}

func (s *chunks) remove(c *Chunk) {
	last := len(*s) - 1
	moved := (*s)[last]
	(*s)[c.place], moved.place = moved, c.place
	(*s)[last] = nil
	*s = (*s)[:last]
}

// Coalesce runs submit, which submits and advances chunks. Their records are sent
// when it has returned, without waiting for linger: they are batched together
// already.
func (o *Output) Coalesce(submit func()) {
	defer o.producer.Hold()()
	submit()
}

// Flush sends the records of chunks that were advanced without waiting for linger.
func (o *Output) Flush() { o.producer.Flush() }

// remove takes a chunk off the live ones, when it has its result.
func (o *Output) remove(c *Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.live.remove(c)
	if len(o.live) == 0 && o.draining != nil {
		close(o.draining)
		o.draining = nil
	}
}

func (o *Output) closed() bool { return o.ended.Load() }
