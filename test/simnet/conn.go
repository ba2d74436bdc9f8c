package simnet

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Conn is one end of a connection.
type Conn struct {
	net           *Network
	local, remote addr
	in, out       *half
}

// Read waits for bytes, the end of the other side, or the deadline.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.fail("read", err)
}

// Write never waits.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.fail("write", err)
}

// Close ends the connection; what was written still arrives.
func (c *Conn) Close() error {
	c.net.forget(c)
	c.out.end(io.EOF, net.ErrClosed)
	return c.fail("close", c.in.leave(syscall.EPIPE))
}

// CloseWrite says that nothing more is written; reading goes on.
func (c *Conn) CloseWrite() error {
	c.out.end(io.EOF, syscall.EPIPE)
	return nil
}

// Reset closes the connection as a RST does: what is on its way is lost, in both
// directions.
func (c *Conn) Reset() {
	c.net.forget(c)
	c.out.drop(syscall.ECONNRESET, net.ErrClosed)
	_ = c.in.leave(syscall.ECONNRESET)
}

// cut lets both ends see a RST at once, as if somebody between them had sent it.
// The ends still have to be closed.
func (c *Conn) cut() {
	for _, h := range []*half{c.in, c.out} {
		h.cut(syscall.ECONNRESET)
	}
}

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the deadline of reads and writes.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends reads, also those that wait already.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.readDeadline = t
	c.in.changed.Broadcast()
	return nil
}

// SetWriteDeadline lets writes from then on fail.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.writeDeadline = t
	return nil
}

// fail makes an error look as one of package net does.
func (c *Conn) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if _, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, err)
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// half is one direction of a connection: what one end writes and the other reads.
type half struct {
	latency time.Duration

	mu      sync.Mutex
	changed sync.Cond // a reader has a reason to look again
	// The next moment at which a reader has a reason to look: the arrival of bytes
	// or its deadline. Only readers who wait set it, so there is one timer a
	// direction, whatever is written.
	alarm *time.Timer

	queue         []segment // not read yet, in order; one with an error is the last
	left          bool      // the reader has closed
	writeFails    failure
	readDeadline  time.Time
	writeDeadline time.Time
}

// segment is what was written at once, or the end of what is written.
type segment struct {
	at   time.Time // of its arrival
	data []byte
	err  error
}

// failure is what writers get from a moment on.
type failure struct {
	err error
	at  time.Time
}

func newHalf(latency time.Duration) *half {
	h := &half{latency: latency}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.left:
			return 0, net.ErrClosed
		case passed(h.readDeadline):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(h.queue) > 0 && passed(h.queue[0].at):
			if err := h.queue[0].err; err != nil {
				return 0, err
			}
			return h.take(p), nil
		}
		h.setAlarm()
		h.changed.Wait()
	}
}

// take moves bytes that have arrived to p. h.mu is held.
func (h *half) take(p []byte) (n int) {
	for n < len(p) && len(h.queue) > 0 && h.queue[0].err == nil && passed(h.queue[0].at) {
		head := &h.queue[0]
		k := copy(p[n:], head.data)
		n += k
		if head.data = head.data[k:]; len(head.data) == 0 {
			h.queue[0] = segment{}
			h.queue = h.queue[1:]
		}
	}
	return n
}

// setAlarm wakes the readers when there is something for them. The alarm takes the
// lock, because a reader that has set it holds the lock until it waits. h.mu is held.
func (h *half) setAlarm() {
	next := h.readDeadline
	if len(h.queue) > 0 && (next.IsZero() || h.queue[0].at.Before(next)) {
		next = h.queue[0].at
	}
	switch {
	case next.IsZero():
	case h.alarm != nil:
		h.alarm.Reset(time.Until(next))
	default:
		h.alarm = time.AfterFunc(time.Until(next), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.changed.Broadcast()
		})
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.writeFails.err != nil && passed(h.writeFails.at):
		return 0, h.writeFails.err
	case passed(h.writeDeadline):
		return 0, os.ErrDeadlineExceeded
	}
	if !h.ended() && len(p) > 0 { // else it is lost, and the writer does not know yet
		h.append(segment{time.Now().Add(h.latency), slices.Clone(p), nil})
	}
	return len(p), nil
}

// append is what arrives next. h.mu is held.
func (h *half) append(s segment) {
	h.queue = append(h.queue, s)
	h.changed.Broadcast()
}

// ended says whether more bytes can reach the reader. h.mu is held.
func (h *half) ended() bool {
	return h.left || len(h.queue) > 0 && h.queue[len(h.queue)-1].err != nil
}

// end lets the reader see an error after what was written, and later writes fail.
func (h *half) end(read, write error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended() {
		h.append(segment{time.Now().Add(h.latency), nil, read})
	}
	if h.writeFails.err != net.ErrClosed {
		h.writeFails = failure{write, time.Now()}
	}
}

// drop lets the reader see an error instead of what it has not read, and later
// writes fail.
func (h *half) drop(read, write error) {
	h.mu.Lock()
	h.queue = nil
	h.mu.Unlock()
	h.end(read, write)
}

// leave ends reading. The writer learns of it one latency later.
func (h *half) leave(write error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left {
		return net.ErrClosed
	}
	h.left, h.queue = true, nil
	if h.alarm != nil {
		h.alarm.Stop()
	}
	if h.writeFails.err == nil {
		h.writeFails = failure{write, time.Now().Add(h.latency)}
	}
	h.changed.Broadcast()
	return nil
}

// cut lets the reader and the writer see an error now.
func (h *half) cut(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = nil
	h.append(segment{time.Now(), nil, err})
	if h.writeFails.err != net.ErrClosed {
		h.writeFails = failure{err, time.Now()}
	}
}

// passed says whether a moment is over; the zero moment never is.
func passed(t time.Time) bool { return !t.IsZero() && time.Until(t) <= 0 }
