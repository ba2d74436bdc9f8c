package sls

import (
	"crypto/tls"
	"fmt"
	"net"
)

// listener hands the broker connections whose TLS and SASL the front takes care of.
type listener struct {
	net.Listener // TLS
	e            *Endpoint
	inside       net.Conn // accepted first; nil afterwards
}

// listen is called for one node after the other.
func (e *Endpoint) listen(network string) (net.Listener, error) {
	address := e.options.Listen
	if len(e.inside) > 0 {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		address = net.JoinHostPort(host, "0")
	}
	l, err := e.options.ListenFunc(network, address)
	if err != nil {
		return nil, err
	}
	if e.options.WrapListener != nil {
		l = e.options.WrapListener(l)
	}
	inside := newInsideConn()
	e.inside = append(e.inside, inside)
	return &listener{Listener: tls.NewListener(l, e.tls), e: e, inside: inside.broker}, nil
}

// Accept waits for the next client. The TLS handshake happens at the first read.
func (l *listener) Accept() (net.Conn, error) {
	if c := l.inside; c != nil {
		l.inside = nil
		return c, nil
	}
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	c := newConn(l.e, raw)
	if !l.e.add(c) {
		_ = raw.Close() // the endpoint is closing
		return nil, errClosed
	}
	return c, nil
}

// add enters a connection in the endpoint's list and starts it; false once the endpoint is closed.
func (e *Endpoint) add(c *conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.conns[c] = struct{}{}
	e.running.Go(c.writeAnswers)
	return true
}

func (e *Endpoint) remove(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c)
}
