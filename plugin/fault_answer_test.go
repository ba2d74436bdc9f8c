package plugin

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Errors that can pass, answered to produce requests and to metadata requests,
// for as long as it takes an operator to read of it.
func TestFaultAnswered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  *kerr.Error
		line []string
	}{
		{kerr.NetworkException, []string{"cannot reach", "NETWORK_EXCEPTION", "retrying"}},
		{kerr.TopicAuthorizationFailed, []string{"the AccessKey is refused", "TOPIC_AUTHORIZATION_FAILED", "log:PostLogStoreLogs", "project demo-project", "logstore demo", "retrying"}},
		{kerr.UnknownTopicOrPartition, []string{"project demo-project or logstore demo does not exist", "another region", "UNKNOWN_TOPIC_OR_PARTITION"}},
		{kerr.KafkaStorageError, []string{"the service had an error", "KAFKA_STORAGE_ERROR", "retrying"}},
		{kerr.ThrottlingQuotaExceeded, []string{"the service limits writes", "THROTTLING_QUOTA_EXCEEDED", "raise the quota"}},
	} {
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Metadata} {
			t.Run(key.Name()+"/"+row.err.Message, bubbled(func(t *testing.T, network testNetwork) {
				e, properties := network.startEndpoint(t, sls.Options{})
				fault := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: "demo.json", Err: row.err, Count: -1})
				o, h := network.startOutput(t, properties)
				l := newLoad(t, o, e)
				l.send(6, 500)
				h.wait(row.line...)
				fault.Remove()
				l.wantStored(0, 0)
				wantRecovery(t, h, row.line...)
			}))
		}
	}
}

// Two errors may be answered to what was written: it is sent again, and is stored
// twice, at most once more for each such answer.
func TestFaultWrittenAllTheSame(t *testing.T) {
	t.Parallel()
	for _, err := range []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend} {
		t.Run(err.Message, bubbled(func(t *testing.T, network testNetwork) {
			e, properties := network.startEndpoint(t, sls.Options{})
			o, h := network.startOutput(t, properties)
			h.wait("reachable")
			l := newLoad(t, o, e)
			fault := e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: 3})
			l.send(4, 500)
			l.flushes.Wait()
			l.wantStored(0, fault.Hits()*int(l.largest.Load()))
			wantRecovery(t, h, "no acknowledgement from", "retrying")
		}))
	}
}

// A service that wants writers to slow down goes on being fed.
func TestFaultQuota(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		o, h := network.startOutput(t, properties)
		h.wait("reachable")
		l := newLoad(t, o, e)
		n := 0
		e.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.ThrottlingQuotaExceeded, Count: 12, When: func(kmsg.Request) bool {
			n++
			return n%4 != 0 // one write in four is within the quota
		}})
		for range 5 {
			l.send(1, 500)
			l.flushes.Wait()
		}
		l.wantStored(0, 0)
		wantRecovery(t, h, "the service limits writes")
	})
}
