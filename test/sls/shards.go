package sls

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerTimeout is how long a request of the endpoint's own may take. It crosses no network.
const brokerTimeout = 10 * time.Second

// AddShards gives a logstore n more shards while clients write, as splitting does in SLS. Partitions of both its topics
// grow together and are numbered on, as Kafka clients demand. In SLS the shard that was split is read-only afterwards;
// what a write to it is answered is not documented, so here every shard stays writable.
func (e *Endpoint) AddShards(logstore string, n int) error {
	if n < 1 {
		return fmt.Errorf("add %d shards: want at least 1", n)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	s, ok := e.logstores[logstore]
	if !ok {
		return fmt.Errorf("logstore %q does not exist", logstore)
	}
	shards := s.grow(n) // first: the broker may append as soon as it knows them
	for _, topic := range topicsOf(logstore) {
		if err := e.createPartitions(topic, int32(shards)); err != nil {
			return fmt.Errorf("add shards to topic %q: %w", topic, err)
		}
	}
	return nil
}

// grow adds shards and returns how many there are now.
func (s *logstore) grow(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, make([]int64, n)...)
	s.usage = append(s.usage, make([]usage, n)...)
	return len(s.next)
}

func (e *Endpoint) createPartitions(topic string, count int32) error {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Version = 1
	req.TimeoutMillis = int32(brokerTimeout.Milliseconds())
	asked := kmsg.NewCreatePartitionsRequestTopic()
	asked.Topic, asked.Count = topic, count
	req.Topics = append(req.Topics, asked)
	for _, node := range e.inside {
		resp := &kmsg.CreatePartitionsResponse{Version: req.Version}
		if err := node.request(req, resp); err != nil {
			return err
		}
		if len(resp.Topics) != 1 {
			return errors.New("the broker's answer names no topic")
		}
		if code := resp.Topics[0].ErrorCode; code != kerr.NotController.Code {
			return kerr.ErrorForCode(code)
		}
	}
	return errors.New("no node is the controller")
}

// insideConn is the endpoint's own connection to a node, past TLS and the front.
type insideConn struct {
	mu     sync.Mutex
	net    net.Conn
	broker net.Conn // the other end, which the node accepts first
}

func newInsideConn() *insideConn {
	own, broker := net.Pipe()
	return &insideConn{net: own, broker: broker}
}

// request sends a request without flexible headers and reads its answer.
func (c *insideConn) request(req kmsg.Request, resp kmsg.Response) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.net.SetDeadline(time.Now().Add(brokerTimeout)); err != nil {
		return err
	}
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, 0)
	if _, err := c.net.Write(frame); err != nil {
		return fmt.Errorf("ask the broker: %w", err)
	}
	var header [8]byte // length, correlation id
	if _, err := io.ReadFull(c.net, header[:]); err != nil {
		return fmt.Errorf("the broker's answer: %w", err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(header[:])-4)
	if _, err := io.ReadFull(c.net, answer); err != nil {
		return fmt.Errorf("the broker's answer: %w", err)
	}
	return resp.ReadFrom(answer)
}

// denyCreatePartitions refuses clients what the broker lets the endpoint itself do.
func (c *conn) denyCreatePartitions(r *request, body []byte) error {
	const maxVersion = 1 // Kafka 2.1's
	if r.version > maxVersion {
		return fmt.Errorf("CreatePartitions version %d is not supported", r.version)
	}
	req := &kmsg.CreatePartitionsRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("CreatePartitions: %w", err)
	}
	resp := &kmsg.CreatePartitionsResponse{Version: r.version}
	for _, t := range req.Topics {
		denied := kmsg.NewCreatePartitionsResponseTopic()
		denied.Topic, denied.ErrorCode = t.Topic, kerr.TopicAuthorizationFailed.Code
		resp.Topics = append(resp.Topics, denied)
	}
	c.reply(r, resp)
	return nil
}
