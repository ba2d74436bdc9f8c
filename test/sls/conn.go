package sls

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequestBytes is Kafka's default for socket.request.max.bytes.
const maxRequestBytes = 100 << 20

// What a client gets before it has said who it is: anybody can connect.
const (
	maxStrangerBytes = 64 << 10
	strangerTimeout  = time.Minute // for each request
)

// conn is a client's connection as the broker sees it: what Read returns are the requests that are the broker's to
// answer, what it Writes are its answers. The front reads both in passing and answers some requests itself.
type conn struct {
	net.Conn // TLS
	e        *Endpoint

	// Of the goroutine that reads for the broker.
	in        []byte // what the broker has yet to read of a request
	sasl      saslStage
	presented credentials

	mu     sync.Mutex
	cond   sync.Cond  // something below changed
	asked  []*request // without an answer on its way, in order of arrival
	out    []answer   // on their way to the client
	closed bool
	done   chan struct{} // closed with closed
}

// request is one request and, once known, its answer.
type request struct {
	key, version int16
	correlation  int32
	batches      []sentBatch // of a produce request
	acks         int16       // of a produce request, as sent
	throttled    bool        // a batch of it is over quota and lands all the same
	denied       bool        // the connection's credentials are not, or no longer, right
	allTopics    bool        // of a metadata request
	unanswered   bool        // the client expects no answer (acks 0)
	cut          bool        // the connection ends instead of the answer
	answer       []byte      // frame for the client
}

// answer is a frame that goes out ack delay after at.
type answer struct {
	frame []byte
	at    time.Time // zero: at once
}

func newConn(e *Endpoint, raw net.Conn) *conn {
	c := &conn{Conn: raw, e: e, done: make(chan struct{})}
	c.cond.L = &c.mu
	return c
}

// Read gives the broker the next bytes of a request. When the client is gone it says so only after every request that
// went in was answered, because the broker drops the answer, though not the append, of a connection it knows is gone.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.in) == 0 {
		frame, err := c.readFrame()
		if err != nil {
			c.await(func() bool { return len(c.asked) == 0 })
			return 0, err
		}
		if c.in, err = c.receive(frame); err != nil {
			cut := errors.Is(err, errCut) // without the answers still to come
			c.await(func() bool { return len(c.asked) == 0 && (cut || len(c.out) == 0) })
			return 0, err
		}
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// readFrame reads one request with its four length bytes.
func (c *conn) readFrame() ([]byte, error) {
	idle := c.e.options.Behaviour.IdleTimeout
	if c.sasl != saslDone && idle == 0 {
		idle = strangerTimeout
	}
	if idle > 0 {
		if err := c.Conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return nil, err
		}
		defer c.Conn.SetReadDeadline(time.Time{}) // what fails here fails at the next read too
	}
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return nil, err
	}
	n, most := binary.BigEndian.Uint32(size[:]), uint32(cmp.Or(c.e.options.Behaviour.MaxRequestBytes, maxRequestBytes))
	if c.sasl != saslDone {
		most = min(most, maxStrangerBytes)
	}
	if n > most {
		return nil, fmt.Errorf("request of %d bytes, at most %d are allowed", n, most)
	}
	frame := make([]byte, 4+n)
	copy(frame, size[:])
	if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
		return nil, err
	}
	c.e.bytesIn.Add(int64(len(frame)))
	return frame, nil
}

// await returns when ready or the connection is closed.
func (c *conn) await(ready func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && !ready() {
		c.cond.Wait()
	}
}

// ask notes a request; one that has its answer already is answered in its turn.
func (c *conn) ask(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r)
	c.answerReady()
}

// Write takes one answer of the broker, which answers a connection's requests one by one, each with one Write.
func (c *conn) Write(frame []byte) (int, error) {
	if len(frame) < 8 {
		return 0, errors.New("the broker's answer has no header")
	}
	c.mu.Lock()
	i := slices.IndexFunc(c.asked, func(r *request) bool { return r.answer == nil })
	if i < 0 || c.asked[i].correlation != int32(binary.BigEndian.Uint32(frame[4:])) {
		c.mu.Unlock()
		return 0, errors.New("the broker answered what was not asked")
	}
	r := c.asked[i]
	c.mu.Unlock()

	answer, err := c.settle(r, frame)
	if err != nil {
		return 0, err
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	r.answer = answer
	c.answerReady()
	return len(frame), nil
}

// settle acts on the broker's answer and returns the client's, which is a copy: the broker reuses its buffer.
func (c *conn) settle(r *request, frame []byte) ([]byte, error) {
	switch kmsg.Key(r.key) {
	case kmsg.Produce:
		return c.e.settleProduce(r, frame)
	case kmsg.ApiVersions:
		return c.e.advertiseHandshake(r, frame)
	case kmsg.Metadata:
		return c.reviseMetadata(r, frame)
	default:
		return slices.Clone(frame), nil
	}
}

// answerReady moves answers out that no earlier request waits before. Called with mu held.
func (c *conn) answerReady() {
	for len(c.asked) > 0 && c.asked[0].answer != nil {
		r := c.asked[0]
		c.asked = c.asked[1:]
		if r.unanswered {
			continue
		}
		a := answer{frame: r.answer}
		if kmsg.Key(r.key) == kmsg.Produce {
			a.at = time.Now()
			c.e.delay.hold()
		}
		c.out = append(c.out, a)
	}
	c.cond.Broadcast()
}

// writeAnswers sends answers until the connection is closed.
func (c *conn) writeAnswers() {
	defer c.e.remove(c)
	for {
		c.await(func() bool { return len(c.out) > 0 })
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return
		}
		a := c.out[0]
		c.mu.Unlock()
		if !a.at.IsZero() && !c.e.delay.wait(a.at, c.done) {
			return
		}
		if _, err := c.Conn.Write(a.frame); err != nil {
			_ = c.Close() // the write error says all there is
			return
		}
		c.mu.Lock()
		c.out = c.out[1:]
		c.cond.Broadcast()
		c.mu.Unlock()
	}
}

// Close ends the connection, also for whoever waits in Read.
func (c *conn) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.done)
		c.cond.Broadcast()
	}
	c.mu.Unlock()
	return c.Conn.Close()
}
