// Package simnet is a network in memory for tests in fake time (testing/synctest).
//
// Fake time moves only while every goroutine of the bubble is durably blocked, and
// a goroutine that waits for a lock is not. Hence two rules. Nothing here waits
// with a lock held; in particular a write never waits, because crypto/tls writes
// with a lock held, so it is the reader who waits until the bytes have travelled.
// And everything takes time: a loop over a network without latency would run
// forever within one instant.
package simnet

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// defaultLatency is what bytes take one way unless Network.Latency says otherwise.
	defaultLatency = 500 * time.Microsecond
	// The first ports that the network chooses: for listeners, and for those who dial.
	firstListenPort = 9000
	firstDialPort   = 30000
)

// Network connects those who dial with those who listen. Whoever waits for bytes,
// a deadline or a connection is durably blocked. Its fields are set before the
// first connection.
type Network struct {
	// OnDial is asked before each connection; its error is what the client gets.
	// It may wait. nil: every connection is allowed.
	OnDial func(ctx context.Context, address string) error
	// Latency is how long each byte travels one way. 0: 500 microseconds.
	Latency time.Duration

	mu         sync.Mutex
	listeners  map[string]*listener
	conns      map[*Conn]struct{} // both ends of each connection, until closed
	listenPort int
	dialPort   int
}

// New makes a network on which nobody listens yet.
func New() *Network {
	return &Network{
		Latency:    defaultLatency,
		listeners:  make(map[string]*listener),
		conns:      make(map[*Conn]struct{}),
		listenPort: firstListenPort,
		dialPort:   firstDialPort,
	}
}

// Listen waits for connections to an address, a host:port, where port 0 stands for
// a free one. It has the signature of [net.Listen].
func (n *Network) Listen(network, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" || port == "" {
		address = n.freeAddress(host)
	}
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: addr(address), Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &listener{net: n, addr: addr(address)}
	l.changed.L = &n.mu
	n.listeners[address] = l
	return l, nil
}

// freeAddress is an address of host on which nobody listens. n.mu is held.
func (n *Network) freeAddress(host string) string {
	for {
		n.listenPort++
		address := net.JoinHostPort(host, strconv.Itoa(n.listenPort))
		if n.listeners[address] == nil {
			return address
		}
	}
}

// Dial connects to an address after one round trip. Its errors are a [net.OpError]
// around ECONNREFUSED, the error of ctx, or that of OnDial.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := n.dial(ctx, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: err}
	}
	return c, nil
}

func (n *Network) dial(ctx context.Context, address string) (*Conn, error) {
	roundTrip := time.NewTimer(2 * n.latency())
	defer roundTrip.Stop()
	select {
	case <-roundTrip.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if n.OnDial != nil {
		if err := n.OnDial(ctx, address); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[address]
	if l == nil {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	n.dialPort++
	client, server := n.connect(addr(net.JoinHostPort("127.0.0.1", strconv.Itoa(n.dialPort))), l.addr)
	l.queue = append(l.queue, server)
	l.changed.Signal()
	return client, nil
}

// connect makes both ends of a connection. n.mu is held.
func (n *Network) connect(client, server addr) (c, s *Conn) {
	up, down := newHalf(n.latency()), newHalf(n.latency())
	c = &Conn{net: n, local: client, remote: server, in: down, out: up}
	s = &Conn{net: n, local: server, remote: client, in: up, out: down}
	n.conns[c], n.conns[s] = struct{}{}, struct{}{}
	return c, s
}

func (n *Network) latency() time.Duration {
	if n.Latency <= 0 {
		return defaultLatency
	}
	return n.Latency
}

// CloseAll resets every connection, at once and for both of its ends.
func (n *Network) CloseAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.cut()
	}
}

// Open counts the ends of connections that nobody has closed. An end is open, too,
// after the other end, or CloseAll, has reset the connection.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

func (n *Network) forget(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// listener has the lock of its network.
type listener struct {
	net     *Network
	addr    addr
	changed sync.Cond
	queue   []*Conn // not accepted yet
	closed  bool
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return nil, l.fail("accept")
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

// Close resets the connections that nobody has accepted.
func (l *listener) Close() error {
	l.net.mu.Lock()
	if l.closed {
		l.net.mu.Unlock()
		return l.fail("close")
	}
	l.closed = true
	queue := l.queue
	l.queue = nil
	delete(l.net.listeners, string(l.addr))
	l.changed.Broadcast()
	l.net.mu.Unlock()
	for _, c := range queue {
		c.Reset()
	}
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) fail(op string) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
}

// addr is a host:port.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }
