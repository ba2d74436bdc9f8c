// Package hostile is a Kafka broker that means harm: it has a certificate, speaks the protocol, and answers what a
// broker never would. A client must neither crash nor hang nor grow, and must show nothing of it as a line of its own.
package hostile

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Forged is what a text of the broker holds that would pass for a line of Fluent Bit's log, clear a terminal's screen and
// set its title.
const Forged = "\n[2026/11/26 00:00:00.000000000] [ info] [output:es:es.0] FORGED\x1b[2J\x1b]0;owned\x07"

// Options say what a broker is like.
type Options struct {
	Mode Mode
	// N is how large the harm is, in elements or bytes.
	N int
	// CA issues its certificate; nil: one of its own.
	CA *sls.CA
	// Listen is its address; "" is any on 127.0.0.1.
	Listen string
	// Other is the host:port that the mode "another broker" names.
	Other string
	// Names the certificate is for; nil: 127.0.0.1 and localhost.
	Names []string
}

// Broker is a hostile broker at work.
type Broker struct {
	options  Options
	ca       *sls.CA
	listener net.Listener
	quit     chan struct{}
	serving  sync.WaitGroup

	mu        sync.Mutex
	conns     map[net.Conn]struct{}
	passwords []string
	requests  map[kmsg.Key]int
	accepted  int
}

// Start starts a broker.
func Start(o Options) (*Broker, error) {
	b := &Broker{options: o, ca: o.CA, quit: make(chan struct{}), conns: make(map[net.Conn]struct{}), requests: make(map[kmsg.Key]int)}
	if b.ca == nil {
		var err error
		if b.ca, err = sls.NewCA(); err != nil {
			return nil, err
		}
	}
	certificate, err := b.certificate()
	if err != nil {
		return nil, err
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if b.listener, err = tls.Listen("tcp", o.Listen, &tls.Config{Certificates: []tls.Certificate{certificate}}); err != nil {
		return nil, fmt.Errorf("hostile broker: %w", err)
	}
	b.serving.Go(b.accept)
	return b, nil
}

func (b *Broker) certificate() (tls.Certificate, error) {
	if b.options.Mode.certificate != nil {
		return b.options.Mode.certificate(b)
	}
	names := b.options.Names
	if names == nil {
		names = []string{"127.0.0.1", "localhost"}
	}
	return b.ca.Issue(names, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// Addr is where it listens.
func (b *Broker) Addr() string { return b.listener.Addr().String() }

// CAPEM is the certificate of the authority that its own is from, unless its mode is about that.
func (b *Broker) CAPEM() []byte { return b.ca.PEM() }

// Passwords are what clients sent to it as their credentials.
func (b *Broker) Passwords() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.passwords...)
}

// Requests is how many requests of a kind came.
func (b *Broker) Requests(key kmsg.Key) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests[key]
}

// Encounters is how many connections were made and requests came.
func (b *Broker) Encounters() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, requests := range b.requests {
		n += requests
	}
	return n + b.accepted
}

// Close ends it and its connections.
func (b *Broker) Close() {
	close(b.quit)
	_ = b.listener.Close()
	b.mu.Lock()
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.serving.Wait()
}

func (b *Broker) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		b.mu.Lock()
		b.conns[c] = struct{}{}
		b.accepted++
		b.mu.Unlock()
		b.serving.Go(func() {
			b.serve(c)
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
			_ = c.Close()
		})
	}
}

// request is one of a client.
type request struct {
	key         kmsg.Key
	version     int16
	correlation int32
	body        []byte
}

// maxRequest bounds what a client may send: the broker is not to be harmed by it.
const maxRequest = 32 << 20

func (b *Broker) serve(c net.Conn) {
	for {
		r, err := readRequest(c)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.requests[r.key]++
		b.mu.Unlock()
		if b.options.Mode.raw != nil && b.options.Mode.raw(b, c, r) {
			continue
		}
		if answer := b.answer(r); answer != nil {
			if _, err := c.Write(frame(r.correlation, answer)); err != nil {
				return
			}
		}
	}
}

func readRequest(c net.Conn) (request, error) {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return request{}, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxRequest {
		return request{}, fmt.Errorf("a request of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c, body); err != nil {
		return request{}, err
	}
	in := kbin.Reader{Src: body}
	r := request{key: kmsg.Key(in.Int16()), version: in.Int16(), correlation: in.Int32()}
	in.NullableString() // the client's id
	if r.flexible() {
		kmsg.SkipTags(&in)
	}
	r.body = in.Src
	return r, in.Complete()
}

func (r request) flexible() bool {
	of := kmsg.RequestForKey(r.key.Int16())
	if of == nil {
		return false
	}
	of.SetVersion(r.version)
	return of.IsFlexible()
}

// frame is an answer as it goes over the wire.
func frame(correlation int32, answer kmsg.Response) []byte {
	f := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(correlation))
	if answer.IsFlexible() && kmsg.Key(answer.Key()) != kmsg.ApiVersions {
		f = append(f, 0) // no tags
	}
	f = answer.AppendTo(f)
	binary.BigEndian.PutUint32(f, uint32(len(f)-4))
	return f
}
