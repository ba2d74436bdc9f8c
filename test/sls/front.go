package sls

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka 2.1's versions of what the front reads; others pass to the broker, which refuses them.
const (
	maxMetadataVersion    = 7
	maxAPIVersionsVersion = 2
)

// receive looks at a request. It returns the bytes for the broker, none where the front has answered, or an error
// where the connection must end.
func (c *conn) receive(frame []byte) ([]byte, error) {
	if _, cut := c.e.faults.meet(ConnectionCut, nil); cut {
		return nil, errCut
	}
	if c.sasl == saslToken {
		return nil, c.receiveToken(frame)
	}
	r, body, err := parseHeader(frame[4:])
	if err != nil {
		return nil, err
	}
	switch key := kmsg.Key(r.key); {
	case key == kmsg.SASLHandshake:
		return nil, c.receiveHandshake(r, body)
	case key == kmsg.SASLAuthenticate:
		return nil, c.receiveAuthenticate(r, body)
	case key == kmsg.ApiVersions:
		if r.version > maxAPIVersionsVersion && c.e.options.Behaviour.CutUnknownAPIVersions {
			return nil, fmt.Errorf("ApiVersions version %d is not known", r.version)
		}
	case c.sasl != saslDone:
		return nil, fmt.Errorf("%s before SASL authentication", kmsg.NameForKey(r.key))
	case !c.authorised() && c.e.refuseSASL.Load():
		return nil, errRefused
	case key == kmsg.Produce:
		return c.receiveProduce(r, frame, body)
	case key == kmsg.Fetch:
		return nil, c.receiveFetch(r, body)
	case key == kmsg.ListOffsets:
		return nil, c.receiveListOffsets(r, body)
	case slices.Contains(ofConsumers, key) && !c.mayConsume():
		return nil, c.denyConsumer(r)
	case key == kmsg.CreatePartitions:
		return nil, c.denyCreatePartitions(r, body)
	case key == kmsg.Metadata:
		if err := c.receiveMetadata(r, body); err != nil {
			return nil, err
		}
	}
	c.ask(r)
	return frame, nil
}

// parseHeader reads a request's header (version 1: no client sends requests of Kafka 2.1 with the flexible one, whose
// tags only ApiVersions 3 and later have, and those the broker turns down by version).
func parseHeader(b []byte) (*request, []byte, error) {
	reader := kbin.Reader{Src: b}
	r := &request{key: reader.Int16(), version: reader.Int16(), correlation: reader.Int32()}
	reader.NullableString() // client id
	if !reader.Ok() {
		return nil, nil, errors.New("request without a header")
	}
	if kmsg.RequestForKey(r.key) == nil {
		return nil, nil, fmt.Errorf("unknown request %d", r.key)
	}
	return r, reader.Src, nil
}

func (c *conn) receiveMetadata(r *request, body []byte) error {
	if slices.Contains(c.e.options.Behaviour.UnservedMetadataVersions, r.version) {
		return fmt.Errorf("Metadata version %d is not served", r.version)
	}
	if r.version > maxMetadataVersion {
		return nil // the broker refuses it
	}
	req := &kmsg.MetadataRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("Metadata: %w", err)
	}
	r.denied = !c.authorised()
	r.allTopics = req.Topics == nil || r.version == 0 && len(req.Topics) == 0
	return nil
}

// reviseMetadata refuses the topics to wrong credentials or for a fault, and where the endpoint listens on all interfaces refers the
// client to the address it came by.
func (c *conn) reviseMetadata(r *request, frame []byte) ([]byte, error) {
	resp := &kmsg.MetadataResponse{Version: r.version}
	if err := resp.ReadFrom(frame[8:]); err != nil {
		return nil, fmt.Errorf("the broker's answer to Metadata: %w", err)
	}
	for i := range resp.Brokers {
		b := &resp.Brokers[i]
		if ip := net.ParseIP(b.Host); ip != nil && ip.IsUnspecified() {
			host, _, err := net.SplitHostPort(c.LocalAddr().String())
			if err != nil {
				return nil, fmt.Errorf("local address: %w", err)
			}
			b.Host = host
		}
		if host := c.e.options.Behaviour.BrokerHost; host != "" {
			b.Host = host
		}
	}
	if r.denied && r.allTopics {
		resp.Topics = nil
	}
	for i := range resp.Topics {
		if t := &resp.Topics[i]; r.denied {
			t.ErrorCode = kerr.TopicAuthorizationFailed.Code
			t.Partitions = nil
		}
	}
	if !r.denied {
		c.e.refuseTopics(resp)
		c.e.options.Behaviour.reviseTopics(resp)
	}
	return responseFrame(r, resp), nil
}

// refuseTopics answers topics for the faults that concern them.
func (e *Endpoint) refuseTopics(resp *kmsg.MetadataResponse) {
	var topics []string
	for i := range resp.Topics {
		topics = append(topics, *resp.Topics[i].Topic)
	}
	refused := e.faults.refuse(topics, func(r refusal) bool { return r.metadata })
	for i := range resp.Topics {
		if t := &resp.Topics[i]; refused[topics[i]] != nil {
			t.ErrorCode = refused[topics[i]].Code
			t.Partitions = nil
		}
	}
}

// advertiseHandshake lets clients know that the front serves SaslHandshake from version 0, which old ones ask for;
// the broker behind knows version 1 alone.
func (e *Endpoint) advertiseHandshake(r *request, frame []byte) ([]byte, error) {
	if r.version > maxAPIVersionsVersion {
		return slices.Clone(frame), nil // the broker answered that it does not know this version
	}
	resp := &kmsg.ApiVersionsResponse{Version: r.version}
	if err := resp.ReadFrom(frame[8:]); err != nil {
		return nil, fmt.Errorf("the broker's answer to ApiVersions: %w", err)
	}
	for i := range resp.ApiKeys {
		if k := &resp.ApiKeys[i]; kmsg.Key(k.ApiKey) == kmsg.SASLHandshake && !e.options.Behaviour.RefuseBareToken {
			k.MinVersion = 0
		}
	}
	return responseFrame(r, resp), nil
}
