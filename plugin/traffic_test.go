package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// What is sent is counted as it is on the wire, and for as long as its answer takes.
func TestMetricsOfRequests(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, m := network.startMetered(t, properties)
		m.want(map[string]float64{"bytes_sent_total": 0, "requests_total": 0, "request_seconds_total": 0, "throttled_seconds_total": 0})
		e.DelayAcks(2 * time.Second)
		for range 3 {
			if r := deliver(t, o, events(0, 100, strings.Repeat("x", 200))); r != OK {
				t.Errorf("result %v", r)
			}
		}
		o.metrics.tick(time.Now())
		m.want(map[string]float64{"requests_total": 3, "throttled_seconds_total": 0})
		if took := m.value("request_seconds_total"); took < 6 || took > 7 {
			t.Errorf("three requests of two seconds each took %v seconds", took)
		}
		if sent, acknowledged := m.value("bytes_sent_total"), m.value("bytes_acknowledged_total"); sent < 3*50 || sent > acknowledged/5 || sent > float64(e.BytesIn()) {
			t.Errorf("%v bytes sent for %v before compression, which are easy to compress; %d arrived", sent, acknowledged, e.BytesIn())
		}
	})
}

// Bytes of a request without an answer were sent all the same; its time is unknown.
func TestMetricsOfALostRequest(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["compression"] = "none"
		o, m := network.startMetered(t, properties)
		if err := e.SetFault(sls.Fault{Name: sls.ConnectionCutAfterWrite, Count: 1}); err != nil {
			t.Fatal(err)
		}
		if r := deliver(t, o, events(0, 1, strings.Repeat("x", 5000))); r != OK {
			t.Errorf("result %v", r)
		}
		o.metrics.tick(time.Now())
		m.want(map[string]float64{"requests_total": 1})
		if sent := m.value("bytes_sent_total"); sent < 2*5000 || sent > 3*5000 {
			t.Errorf("%v bytes sent, want those of two requests of a little over 5000", sent)
		}
	})
}

// The client keeps to the time for which the broker wants no requests.
func TestMetricsOfThrottling(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, m := network.startMetered(t, properties)
		e.Cluster().ControlKey(kmsg.Produce.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			answer := r.ResponseKind().(*kmsg.ProduceResponse)
			answer.ThrottleMillis = 3000
			for _, topic := range r.(*kmsg.ProduceRequest).Topics {
				refused := kmsg.NewProduceResponseTopic()
				refused.Topic = topic.Topic
				for _, p := range topic.Partitions {
					partition := kmsg.NewProduceResponseTopicPartition()
					partition.Partition, partition.ErrorCode = p.Partition, kerr.ThrottlingQuotaExceeded.Code
					refused.Partitions = append(refused.Partitions, partition)
				}
				answer.Topics = append(answer.Topics, refused)
			}
			return answer, nil, true
		})
		begin := time.Now()
		if r := deliver(t, o, events(0, 8, "hello")); r != OK {
			t.Errorf("result %v", r)
		}
		if took := time.Since(begin); took < 3*time.Second {
			t.Errorf("delivered after %v, while the broker wanted nothing", took)
		}
		o.metrics.tick(time.Now())
		m.want(map[string]float64{"throttled_seconds_total": 3, "requests_total": 2, "errors_total quota": 1})
	})
}
