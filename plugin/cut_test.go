package plugin

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"out_sls_kafka/test/sls"
)

// cutter is a network between the output and the endpoint that can be cut.
type cutter struct {
	net.Listener
	reads  atomic.Int32 // how many of the next reads end their connection, with
	half   atomic.Bool  // the first half of what came, or nothing
	writes atomic.Int32 // how many of the next writes end their connection in the middle

	mu   sync.Mutex
	open map[*cutConn]struct{}
}

func (c *cutter) options(o sls.Options) sls.Options {
	c.open = make(map[*cutConn]struct{})
	o.WrapListener = func(l net.Listener) net.Listener {
		c.Listener = l
		return c
	}
	return o
}

func (c *cutter) Accept() (net.Conn, error) {
	raw, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := &cutConn{raw, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[n] = struct{}{}
	return n, nil
}

// cut ends every connection now.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.open {
		n.Conn.Close()
	}
	clear(c.open)
}

type cutConn struct {
	net.Conn
	cutter *cutter
}

// countDown counts one off, if any is left.
func countDown(n *atomic.Int32) bool {
	if n.Add(-1) >= 0 {
		return true
	}
	n.Add(1)
	return false
}

func (n *cutConn) Read(p []byte) (int, error) {
	k, err := n.Conn.Read(p)
	if k > 5 && countDown(&n.cutter.reads) { // 5 is a TLS record's header alone
		n.Conn.Close()
		if n.cutter.half.Load() {
			return k / 2, nil
		}
		return 0, net.ErrClosed
	}
	return k, err
}

func (n *cutConn) Write(p []byte) (int, error) {
	if countDown(&n.cutter.writes) {
		n.Conn.Write(p[:len(p)/2])
		n.Conn.Close()
		return len(p) / 2, net.ErrClosed
	}
	return n.Conn.Write(p)
}

// serveText answers every connection with a line of text.
func serveText(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 mail.example.com ESMTP\r\n"))
			c.Close()
		}
	}()
}
