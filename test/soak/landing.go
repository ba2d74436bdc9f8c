package main

import (
	"bytes"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"out_sls_kafka/test/sls"
)

const nodes = 3

// landing is the endpoint, the network before it, and what landed there.
type landing struct {
	*sls.Endpoint
	away  atomic.Bool  // connections are closed as soon as they are made
	over  atomic.Int64 // when the last fault ended, Unix nanoseconds; 0 during one
	conns sync.Map     // of net.Conn
	last  atomic.Int64 // when something landed

	mu   sync.Mutex
	seen []uint32 // how often each number landed
}

func newLanding(profile string) (*landing, error) {
	l := &landing{}
	l.over.Store(time.Now().UnixNano())
	o := sls.Options{Nodes: nodes, Shards: 4, DiscardLogs: true, OnLog: l.land,
		WrapListener: func(inner net.Listener) net.Listener { return &network{inner, l} }}
	if err := o.SetProfile(profile); err != nil {
		return nil, err
	}
	e, err := sls.Start(o)
	l.Endpoint = e
	return l, err
}

func (l *landing) close() { l.Endpoint.Close() }

// land notes the number of a log.
func (l *landing) land(log sls.Log) {
	_, rest, _ := bytes.Cut(log.Value, []byte(`"seq":`))
	digits, _, _ := bytes.Cut(rest, []byte(","))
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		panic("a log without its number: " + string(log.Value))
	}
	l.last.Store(time.Now().UnixNano())
	l.mu.Lock()
	defer l.mu.Unlock()
	for n >= len(l.seen) {
		l.seen = append(l.seen, 0)
	}
	l.seen[n]++
}

// count fills in what landed of the numbers below sent.
func (l *landing) count(sent int, r *report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.sent = sent
	for _, n := range l.seen {
		if n > 0 {
			r.landed++
			r.duplicates += int(n) - 1
		}
	}
}

// network is a listener whose connections can be cut.
type network struct {
	net.Listener
	l *landing
}

// Accept implements [net.Listener].
func (n *network) Accept() (net.Conn, error) {
	for {
		c, err := n.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n.l.away.Load() {
			c.Close()
			continue
		}
		w := &wire{c, n.l}
		n.l.conns.Store(w, nil)
		return w, nil
	}
}

type wire struct {
	net.Conn
	l *landing
}

// Close implements [net.Conn].
func (w *wire) Close() error {
	w.l.conns.Delete(w)
	return w.Conn.Close()
}

// cut ends every connection.
func (l *landing) cut() {
	l.conns.Range(func(w, _ any) bool {
		w.(*wire).Close()
		return true
	})
}
