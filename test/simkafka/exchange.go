package simkafka

import (
	"io"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// exchange is one request, or one attempt to connect, on its way through a node.
type exchange struct {
	*node
	session *session
	counted map[*Fault]bool // faults that have counted this request
	flapped bool            // the leaders have moved on for it
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
	if cut == nil {
		cut = x.meetAt(CutLarge, place{node: x.id, partition: -1, size: s.size})
	}
	if cut == nil && writes != nil {
		cut = x.meetPoison(writes)
	}
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
		// Answers come in order: nothing later on the connection has one either.
		_, _ = io.Copy(io.Discard, s.stream)
		return false
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

// answer finds the answer to a request; nil: the connection ends instead.
func (x *exchange) answer(request kmsg.Request) kmsg.Response {
	switch r := request.(type) {
	case *kmsg.ApiVersionsRequest:
		return x.versions(r)
	case *kmsg.SASLHandshakeRequest:
		response := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
		response.SupportedMechanisms = []string{"PLAIN"}
		if r.Mechanism != "PLAIN" {
			response.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return response
	case *kmsg.SASLAuthenticateRequest:
		return x.authenticate(r)
	}
	if !x.session.trusted {
		return nil
	}
	switch r := request.(type) {
	case *kmsg.MetadataRequest:
		return x.metadata(r)
	case *kmsg.ProduceRequest:
		return x.produce(r)
	}
	_ = x.cluster.broken("a request %s, which is not offered", kmsg.NameForKey(request.Key()))
	return nil
}
