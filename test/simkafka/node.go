package simkafka

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/simnet"
)

// maxRequest is more than any client here sends.
const maxRequest = 1 << 28

type node struct {
	cluster  *Cluster
	id       int32
	listener net.Listener
	host     string
	port     int32
}

func (n *node) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		n.cluster.wg.Go(func() { n.serve(conn.(*simnet.Conn)) })
	}
}

// session is one connection.
type session struct {
	*node
	conn     *simnet.Conn
	stream   io.ReadWriter // conn, or TLS over it
	password string        // it was made with
	trusted  bool          // by SASL
	size     int           // of the request at hand, in bytes
}

func (n *node) serve(conn *simnet.Conn) {
	s := &session{node: n, conn: conn, stream: conn, trusted: n.cluster.options.User == ""}
	if settings := n.cluster.options.TLS; settings != nil {
		s.stream = tls.Server(conn, settings)
	}
	defer func() { _ = conn.Close() }()
	if !n.cluster.enter(s) {
		return
	}
	defer n.cluster.leave(s)
	for {
		request, correlation, err := s.receive()
		if err != nil || !s.exchange(request, correlation) {
			return
		}
	}
}

// enter lets Close find a session; false: it is too late.
func (c *Cluster) enter(s *session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sessions[s] = struct{}{}
	return true
}

func (c *Cluster) leave(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
}

// receive waits for a request.
func (s *session) receive() (request kmsg.Request, correlation int32, err error) {
	var size [4]byte
	if _, err := io.ReadFull(s.stream, size[:]); err != nil {
		return nil, 0, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxRequest {
		return nil, 0, s.cluster.broken("a request of %d bytes", n)
	}
	s.size = int(n)
	frame := make([]byte, n)
	if _, err := io.ReadFull(s.stream, frame); err != nil {
		return nil, 0, err
	}
	r := kbin.Reader{Src: frame}
	key, version, correlation := r.Int16(), r.Int16(), r.Int32()
	_ = r.NullableString() // the client's id
	if request = kmsg.RequestForKey(key); request == nil {
		return nil, 0, s.cluster.broken("a request of unknown kind %d", key)
	}
	if !offered(s.cluster.versions(), key, version) {
		return nil, 0, s.cluster.broken("a request %s of version %d", kmsg.NameForKey(key), version)
	}
	request.SetVersion(version)
	if request.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if err := r.Complete(); err != nil {
		return nil, 0, s.cluster.broken("the header of a request: %v", err)
	}
	if err := request.ReadFrom(r.Src); err != nil {
		return nil, 0, s.cluster.broken("a request %s: %v", kmsg.NameForKey(key), err)
	}
	return request, correlation, nil
}

// sleep waits, unless the cluster closes.
func (c *Cluster) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.done:
		return false
	}
}

// send says whether the client can still get the answer.
func (s *session) send(response kmsg.Response, correlation int32) bool {
	out := binary.BigEndian.AppendUint32(make([]byte, 4, 256), uint32(correlation))
	out = response.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	_, err := s.stream.Write(out)
	return err == nil
}

func (c *Cluster) broken(format string, args ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := fmt.Errorf(format, args...)
	c.ledger.fail(err.Error())
	return err
}
