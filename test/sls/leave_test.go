package sls

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveListener tells when every client has taken its leave: once leaving is set, whatever a connection reads is the
// end of it, by TLS's closing alert or TCP's.
type leaveListener struct {
	net.Listener
	mu      sync.Mutex
	leaving bool
	here    map[*leaveConn]struct{}
	left    sync.Cond
}

type leaveConn struct {
	net.Conn
	l *leaveListener
}

func (l *leaveListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &leaveConn{raw, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.here[c] = struct{}{}
	return c, nil
}

func (c *leaveConn) leave(certain bool) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if certain || c.l.leaving {
		delete(c.l.here, c)
		c.l.left.Broadcast()
	}
}

func (c *leaveConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.leave(err != nil)
	return n, err
}

func (c *leaveConn) Close() error {
	c.leave(true) // a client may give up a connection earlier
	return c.Conn.Close()
}

// closeAndWait closes a client and waits until the endpoint was told on all connections.
func (l *leaveListener) closeAndWait(client *kgo.Client) {
	l.mu.Lock()
	l.leaving = true
	l.mu.Unlock()
	client.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.here) > 0 {
		l.left.Wait()
	}
	l.leaving = false
}

func TestAppendOfAClientThatLeftIsCounted(t *testing.T) {
	clients := &leaveListener{here: make(map[*leaveConn]struct{})}
	clients.left.L = &clients.mu
	e := start(t, Options{WrapListener: func(l net.Listener) net.Listener { clients.Listener = l; return clients }})
	cluster := e.Cluster()
	for i := range 20 { // the broker drops such an answer every other time
		client := dial(t, e, rightUser, rightPassword)
		release, asked := make(chan struct{}), make(chan struct{})
		cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.DropControl()
			close(asked)
			cluster.SleepControl(func() { <-release })
			return nil, nil, false
		})
		client.Produce(context.Background(), record("demo", "x"), nil)
		<-asked
		clients.closeAndWait(client)
		close(release)
		if err := e.WaitCount(timeout(t), "demo", i+1); err != nil {
			t.Fatal(err)
		}
	}
}
