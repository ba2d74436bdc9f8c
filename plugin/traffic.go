package plugin

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// traffic counts what the Kafka client writes and how long answers take. It implements
// [kgo.HookBrokerE2E] and [kgo.HookBrokerThrottle]. The client calls both before it
// hands on the answer, so that whoever sees an acknowledgement finds it counted.
type traffic struct {
	bytes     atomic.Int64 // of produce requests, before TLS, also of those without an answer
	requests  atomic.Int64 // produce requests that were answered
	duration  atomic.Int64 // of those, in nanoseconds
	throttled atomic.Int64 // nanoseconds
}

// OnBrokerE2E counts a produce request that is over.
func (t *traffic) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, request kgo.BrokerE2E) {
	if kmsg.Key(key) != kmsg.Produce {
		return
	}
	t.bytes.Add(int64(request.BytesWritten))
	if request.Err() == nil {
		t.requests.Add(1)
		t.duration.Add(int64(request.DurationE2E()))
	}
}

// OnBrokerThrottle counts the time for which a broker asks for no more requests.
func (t *traffic) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, _ bool) {
	t.throttled.Add(int64(wait))
}
