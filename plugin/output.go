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
	"out_sls_kafka/plugin/spool"
)

// Env is what an Output needs of the process it lives in.
type Env struct {
	Log *Log
	// Stopping tells whether the process is shutting down; nil: never known.
	Stopping func() bool
	Ending   *Ending  // of the outputs that end together; nil: it is alone
	Holding  *Holding // of the outputs of the process; nil: it is alone
	// Leaving tells whether the output ends soon: the process was signalled to stop, or
	// Fluent Bit reloads. nil: as Stopping.
	Leaving func() bool
	// Spool is the directory of the spool; nil: option spool_path.
	Spool   spool.Files
	Metrics MetricSink // nil: the log takes its place
	Version string     // of the plugin, for its metrics
	// Interleave is called between two steps of a computation that others may come in
	// between, without a lock held: in simulated time, which stands while something
	// computes, they come only if it waits. nil: no simulation.
	Interleave func()
}

// Output is one [OUTPUT] section at work. Its methods may be called from
// several threads.
type Output struct {
	cfg            *config.Config
	log            *Log
	stopping       func() bool
	ending         *Ending
	interleave     func()
	encoder        *encoder.Encoder
	client         *kgo.Client
	defaultTopic   string
	messageKey     []byte
	logstores      logstores
	admission      admission
	health         health
	stats          stats
	metrics        metricsExporter
	producer       *produce.Producer
	cluster        *cluster
	settled        func() bool // no batch failed and waits, and nothing fails
	askedCommon    sync.Once
	routeless      atomic.Bool     // a line said that logstore_key found nothing for a record
	deadLetterFile *deadLetterFile // nil: not wanted
	letters        letters
	sessions       *connect.Sessions
	workspaces     sync.Pool // of *workspace

	spooler *spooler // nil: without spool_path

	mu       sync.Mutex
	live     chunkSet // those of Fluent Bit without a result
	moved    chunkSet // those of the spool without a result
	slab     []Chunk  // unused ones, allocated together
	detached detachedChunks
	drained  chan struct{} // non-nil while Close waits; closed when live is empty

	stopped    atomic.Bool // no chunk is accepted or retried any more
	stopOnce   sync.Once
	quit       chan struct{}
	goroutines sync.WaitGroup
}

// New starts an output. Only with healthcheck require is a broker that cannot
// be reached an error.
func New(cfg *config.Config, env Env) (*Output, error) {
	o := &Output{cfg: cfg, log: env.Log, stopping: env.Stopping, interleave: env.Interleave, defaultTopic: cfg.Topic(cfg.Logstore), sessions: connect.NewSessions(cfg), quit: make(chan struct{})}
	o.log.HideSecrets(cfg.Secrets)
	o.logstores.open(cfg, o.ask)
	o.admission.single = o.logstores.single
	if o.ending = env.Ending; o.ending == nil {
		o.ending = new(Ending)
	}
	o.admission.limit, o.admission.expansion = cfg.BufferLimit, initialExpansion
	o.health.out = o
	o.sessions.Outside = o.health.brokerOutside
	if cfg.MessageKey != "" {
		o.messageKey = []byte(cfg.MessageKey)
	}
	if cfg.DeadLetterFile != "" {
		o.deadLetterFile = &deadLetterFile{path: cfg.DeadLetterFile, maxBytes: cfg.DeadLetterSize, deleted: o.deadLettersDeleted}
	}
	var err error
	if o.encoder, err = encoder.New(cfg.Encoding); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	if err = o.openClient(); err != nil {
		return nil, err
	}
	o.cluster = &cluster{o.client, cfg.DialTimeout + cfg.RequestTimeout, o.noteCrowded}
	if o.producer, err = produce.New(produceOptions(cfg), o.cluster, producerObserver{o}); err != nil {
		return nil, err
	}
	o.settled = func() bool {
		return !o.producer.Failing("") && (!o.logstores.single || o.producer.Retrying() == 0 && !o.producer.Failing(o.defaultTopic))
	}
	o.log.OnPending(o.requestThread)
	if err := o.checkAtStart(); err != nil {
		o.stop()
		return nil, err
	}
	if err := o.openSpool(env); err != nil {
		o.stop()
		return nil, err
	}
	o.metrics.open(o, env.Metrics, env.Version, time.Now())
	o.background(o.watch)
	return o, nil
}

// openClient makes the client; it connects when something is to be sent.
func (o *Output) openClient() error {
	opts, err := connect.Options(o.cfg)
	if err != nil {
		return err
	}
	o.client, err = kgo.NewClient(append(opts, kgo.Dialer(o.sessions.Dial), kgo.WithHooks(&o.health, &o.stats.traffic), kgo.WithLogger(clientLogger{o.log}))...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	return nil
}

// Submit takes a chunk in. The chunk must be advanced at once, and again after
// each wake. onWorker says that the host joins the calling thread, without a
// limit, before Close is called. data is read during the call only.
func (o *Output) Submit(tag string, data []byte, w Waker, onWorker bool) *Chunk {
	if c := o.detached.take(tag, data); c != nil {
		c.reattach(w, onWorker)
		return c
	}
	now, unwanted := time.Now(), o.isUnwanted(tag, data)
	var to *account
	if !unwanted {
		to = o.accountOf(tag, data)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.newChunkLocked(tag, len(data), now, w)
	c.onWorker.Store(onWorker)
	if o.stopped.Load() {
		c.result, c.state = Retry, done
		return c
	}
	if unwanted {
		c.result, c.state = OK, done
		return c
	}
	o.live.add(c)
	if o.spooler != nil {
		o.spooler.holding.chunks.Add(1)
		defer o.spooler.notice()
	}
	o.admission.admit(c, to)
	return c
}

// newChunkLocked returns a chunk that is in no set. o.mu is held.
func (o *Output) newChunkLocked(tag string, length int, given time.Time, w Waker) *Chunk {
	if len(o.slab) == 0 {
		o.slab = make([]Chunk, slabSize)
	}
	c := &o.slab[0]
	o.slab = o.slab[1:]
	c.out, c.tag, c.length, c.submitted, c.waker, c.result = o, tag, length, given, w, Pending
	c.pending.Store(1) // until its last record is added
	return c
}

// accountOf returns the account of the logstore that the first record of a chunk goes to:
// it is the one that most go to, or all.
func (o *Output) accountOf(tag string, data []byte) *account {
	if o.hasOneRoute(data) {
		return &o.logstores.common.account
	}
	w := o.getWorkspace()
	defer o.putWorkspace(w)
	b := &w.batch
	o.encoder.Begin(b, nil, tag, time.Time{}) // for the route alone
	defer b.End()
	o.encoder.AppendSome(b, data, encoder.Position{}, 1)
	var route []byte
	if len(b.Records) > 0 {
		route = b.Bytes(b.Records[0].Route)
	}
	to, _, _ := o.logstoreOf(route, time.Now(), o.hasFixedRoute(data))
	if to == nil {
		o.health.logCrowded(tag)
		return &o.logstores.crowd
	}
	return &to.account
}

// ask asks the service about a logstore, for its records do not get room before.
func (o *Output) ask(to *logstore) { o.producer.Ask(to.topic) }

// askCommon does so with the option logstore, when records go there first.
func (o *Output) askCommon() {
	if !o.logstores.single {
		o.askedCommon.Do(func() { o.ask(o.logstores.common) })
	}
}

// slabSize is how many chunks are allocated at a time. A slab of a few kilobytes is
// freed when its last chunk is done.
const slabSize = 32

// chunkSet is a set of chunks. A chunk is in at most one set.
type chunkSet []*Chunk

func (s *chunkSet) add(c *Chunk) {
	c.liveIndex = len(*s)
	*s = append(*s, c)
}

func (s *chunkSet) remove(c *Chunk) {
	last := len(*s) - 1
	moved := (*s)[last]
	(*s)[c.liveIndex], moved.liveIndex = moved, c.liveIndex
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

// removeLive removes a chunk, which has its result, from those without one.
func (o *Output) removeLive(c *Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.removed = true
	if c.moved {
		o.moved.remove(c)
	} else {
		o.live.remove(c)
		if o.spooler != nil {
			o.spooler.holding.chunks.Add(-1)
		}
	}
	if len(o.live)+len(o.moved) == 0 && o.drained != nil {
		close(o.drained)
		o.drained = nil
	}
}

func (o *Output) closed() bool { return o.stopped.Load() }
