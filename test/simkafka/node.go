package simkafka

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
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

// exchange is one request, or one attempt to connect, on its way through a node.
type exchange struct {
	*node
	session *session
	counted map[*Fault]bool // faults that have counted this request
	landed  []record        // to be answered without error
}

// meet finds a fault in force; at most one of a kind is met. A fault that a request
// meets several times counts it once. The cluster's lock is held.
func (x *exchange) meet(kind Kind, topic string, partition int32) *Fault {
	return x.meetAt(kind, place{node: x.id, topic: topic, partition: partition})
}

func (x *exchange) meetAt(kind Kind, p place) *Fault {
	now := x.cluster.Now()
	for _, f := range x.cluster.faults {
		switch {
		case f.Kind != kind || !f.concerns(now, p):
		case f.Count == 0 || x.counted[f]:
			return f
		case f.met < f.Count:
			if x.counted == nil {
				x.counted = make(map[*Fault]bool)
			}
			x.counted[f] = true
			f.met++
			return f
		}
	}
	return nil
}

// meetAny finds a fault that concerns the whole request.
func (x *exchange) meetAny(kind Kind, request kmsg.Request) *Fault {
	if f := x.meet(kind, "", -1); f != nil {
		return f
	}
	writes, ok := request.(*kmsg.ProduceRequest)
	if !ok {
		return nil
	}
	for i := range writes.Topics {
		for j := range writes.Topics[i].Partitions {
			if f := x.meet(kind, writes.Topics[i].Topic, writes.Topics[i].Partitions[j].Partition); f != nil {
				return f
			}
		}
	}
	return nil
}

// exchange answers a request as the faults say; false: that was the last one.
func (s *session) exchange(request kmsg.Request, correlation int32) bool {
	c := s.cluster
	x := &exchange{node: s.node, session: s}
	writes, _ := request.(*kmsg.ProduceRequest)
	var cutAfter *Fault
	c.mu.Lock()
	silence, cut := x.meetAny(Silence, request), x.meetAny(Cut, request)
	delay, throttle := x.meetAny(Delay, request), x.meetAny(Throttle, request)
	if writes != nil {
		cutAfter = x.meetAny(CutAfter, request)
	}
	c.mu.Unlock()
	wait := c.options.Latency
	if delay != nil {
		wait += delay.Delay
	}
	switch {
	case silence != nil:
		return true
	case !c.sleep(wait):
		return false
	case cut != nil:
		s.conn.Reset()
		return false
	}
	response := x.answer(request)
	switch {
	case response == nil:
		return false
	case cutAfter != nil:
		s.conn.Reset()
		return false
	case writes != nil && writes.Acks == 0:
		return true
	}
	if r, ok := response.(kmsg.SetThrottleResponse); ok && throttle != nil {
		r.SetThrottle(int32(throttle.Delay.Milliseconds()))
	}
	if !s.send(response, correlation) {
		return false
	}
	c.answered(x.landed)
	return true
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

// versions are the requests that are understood. None is of a flexible version but
// ApiVersions, whose answer has the old header in every version.
func (c *Cluster) versions(r *kmsg.ApiVersionsRequest) kmsg.Response {
	response := r.ResponseKind().(*kmsg.ApiVersionsResponse)
	produce := int16(7)
	if c.options.RecordErrors {
		produce = 8
	}
	for _, v := range [][3]int16{{0, 3, produce}, {3, 0, 7}, {17, 0, 1}, {18, 0, 3}, {36, 0, 1}} {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = v[0], v[1], v[2]
		response.ApiKeys = append(response.ApiKeys, k)
	}
	if r.Version > 3 { // says so in version 0, with what is understood
		response.Version, response.ErrorCode = 0, kerr.UnsupportedVersion.Code
	}
	return response
}

// authenticate checks what SASL PLAIN says: a name and a password.
func (x *exchange) authenticate(r *kmsg.SASLAuthenticateRequest) kmsg.Response {
	response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	words := strings.Split(string(r.SASLAuthBytes), "\x00")
	c := x.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(words) != 3 {
		response.ErrorCode = kerr.SaslAuthenticationFailed.Code
		c.ledger.fail("credentials that are not of SASL PLAIN")
		return response
	}
	x.session.password = words[2]
	known := c.options.User == "" || words[1] == c.options.User && (words[2] == c.password || x.meet(Expired, "", -1) != nil)
	if !known {
		message := "Authentication failed: Invalid username or password"
		response.ErrorCode, response.ErrorMessage = kerr.SaslAuthenticationFailed.Code, &message
	}
	x.session.trusted = known
	return response
}

func (c *Cluster) broken(format string, args ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := fmt.Errorf(format, args...)
	c.ledger.fail(err.Error())
	return err
}
