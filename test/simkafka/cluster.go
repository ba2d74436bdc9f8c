// Package simkafka is a Kafka cluster for simulations in fake time. It answers as
// its faults say, and notes for each record what was answered: what a simulation
// knows for certain. It shares no code with the producer that it judges.
package simkafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/test/simnet"
)

// minLatency keeps a client that asks again and again from doing so forever in one
// instant of fake time.
const minLatency = time.Millisecond

// Options are what a cluster is from the beginning.
type Options struct {
	Nodes    int           // at least 1
	Latency  time.Duration // of each answer; at least 1 ms
	TLS      *tls.Config   // nil: none
	User     string        // SASL PLAIN; "": whoever comes is let in
	Password string
	MaxBatch int // bytes; larger batches get MESSAGE_TOO_LARGE. 0: any
	// MaxAge and MaxAhead bound the timestamps of records; a batch with others gets
	// INVALID_TIMESTAMP. 0: any.
	MaxAge, MaxAhead time.Duration
	Behind           time.Duration // how far the cluster's clock is behind the client's
	// RecordErrors: answers name the records that a batch is refused for (KIP-467).
	RecordErrors bool
}

// Cluster is a Kafka cluster. Its methods may be called from any goroutine.
type Cluster struct {
	options  Options
	start    time.Time
	nodes    []*node
	done     chan struct{}
	wg       sync.WaitGroup
	unpack   kgo.Decompressor
	unpackZS *zstd.Decoder

	mu       sync.Mutex // never held while somebody waits
	sessions map[*session]struct{}
	closed   bool
	password string
	topics   map[string]*topic
	faults   []*Fault
	flaps    int32
	ledger   ledger
	traffic  traffic
}

type topic struct{ partitions []*partition }

type partition struct {
	leader   int32
	readOnly *kerr.Error   // what writes get; nil: they are taken
	next     int64         // offset
	wroteAt  time.Duration // when a batch was taken last; 0: never
}

// Start begins a cluster whose nodes listen in n. It has to be called within the
// bubble, and before the first connection.
func Start(n *simnet.Network, o Options) (*Cluster, error) {
	o.Latency = max(o.Latency, minLatency)
	c := &Cluster{
		options:  o,
		start:    time.Now(),
		done:     make(chan struct{}),
		unpack:   kgo.DefaultDecompressor(),
		sessions: make(map[*session]struct{}),
		password: o.Password,
		topics:   make(map[string]*topic),
		traffic:  traffic{failed: make(map[string]*counter)},
	}
	// The client library's zstd decoders are closed by a finalizer, which runs outside
	// the bubble and may not close the channels in them.
	var err error
	if c.unpackZS, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); err != nil {
		return nil, err
	}
	for id := range int32(max(o.Nodes, 1)) {
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.Close()
			return nil, err
		}
		c.listen(id, l)
	}
	before := n.OnDial
	n.OnDial = func(ctx context.Context, address string) error {
		if before != nil {
			if err := before(ctx, address); err != nil {
				return err
			}
		}
		return c.dialed(ctx, address)
	}
	return c, nil
}

func (c *Cluster) listen(id int32, l net.Listener) {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	number, _ := strconv.Atoi(port)
	n := &node{cluster: c, id: id, listener: l, host: host, port: int32(number)}
	c.nodes = append(c.nodes, n)
	c.wg.Go(n.accept)
}

// Close ends the cluster and its connections, and waits for its goroutines.
func (c *Cluster) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.done)
	}
	for s := range c.sessions {
		_ = s.conn.Close()
	}
	c.mu.Unlock()
	for _, n := range c.nodes {
		_ = n.listener.Close()
	}
	c.wg.Wait()
}

// Addr is the address of node 0.
func (c *Cluster) Addr() string { return c.nodes[0].listener.Addr().String() }

// Now is the time since Start.
func (c *Cluster) Now() time.Duration { return time.Since(c.start) }

// AddTopic makes a topic, or makes it again.
func (c *Cluster) AddTopic(name string, partitions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics[name] = &topic{}
	c.resize(c.topics[name], partitions)
}

// RemoveTopic deletes a topic.
func (c *Cluster) RemoveTopic(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.topics, name)
}

// SetPartitions changes how many partitions a topic has, if there is such a topic:
// the last ones are gone, or new ones are led by the nodes in turn.
func (c *Cluster) SetPartitions(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.topics[name]; t != nil {
		c.resize(t, n)
	}
}

func (c *Cluster) resize(t *topic, n int) {
	t.partitions = t.partitions[:min(n, len(t.partitions))]
	for i := len(t.partitions); i < n; i++ {
		t.partitions = append(t.partitions, &partition{leader: int32(i % len(c.nodes))})
	}
}

// Partitions is how many partitions a topic has; 0: the topic does not exist.
func (c *Cluster) Partitions(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.topics[name]; t != nil {
		return len(t.partitions)
	}
	return 0
}

// WroteAt is when each partition of a topic took a batch last; 0: never.
func (c *Cluster) WroteAt(name string) (at []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.topics[name]; t != nil {
		for _, p := range t.partitions {
			at = append(at, p.wroteAt)
		}
	}
	return at
}

// SetLeader moves a partition to a node.
func (c *Cluster) SetLeader(name string, partition, node int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.partition(name, partition); p != nil {
		p.leader = node
	}
}

// SetReadOnly lets writes to a partition fail while metadata lists it as ever. nil:
// it is writable again.
func (c *Cluster) SetReadOnly(name string, partition int32, err *kerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.partition(name, partition); p != nil {
		p.readOnly = err
	}
}

// partition finds a partition; nil: there is none. c.mu is held.
func (c *Cluster) partition(name string, number int32) *partition {
	t := c.topics[name]
	if t == nil || number < 0 || int(number) >= len(t.partitions) {
		return nil
	}
	return t.partitions[number]
}

// SetPassword changes the password. Connections made with another one stay.
func (c *Cluster) SetPassword(p string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.password = p
}

// Fault adds a copy of a fault. It panics if the fault lacks something.
func (c *Cluster) Fault(f *Fault) {
	if err := f.check(); err != nil {
		panic(fmt.Sprintf("simkafka: %v: %v", f, err))
	}
	own := *f
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &own)
}

// dialed is asked whether a connection may be made.
func (c *Cluster) dialed(ctx context.Context, address string) error {
	for _, n := range c.nodes {
		if n.listener.Addr().String() == address {
			return n.dialed(ctx)
		}
	}
	return nil // not one of this cluster
}

func (n *node) dialed(ctx context.Context) error {
	c := n.cluster
	c.mu.Lock()
	c.traffic.dials.add(c.Now())
	x := exchange{node: n}
	refused, hangs := x.meet(DialRefused, "", -1), x.meet(DialHang, "", -1)
	c.mu.Unlock()
	if hangs != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
		}
	}
	if refused != nil {
		return os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	return nil
}
