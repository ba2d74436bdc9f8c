package main

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// misbehave begins and ends random faults until quit is closed, and returns
// how many there were. None is going on when it returns.
func (l *landing) misbehave(random *rand.Rand, reload func(), quit <-chan struct{}) (count int) {
	wait := func(least, most time.Duration) bool {
		select {
		case <-quit:
			return false
		case <-time.After(least + rand.N(most-least)):
			return true
		}
	}
	for wait(500*time.Millisecond, 3*time.Second) {
		l.over.Store(0)
		end := l.fault(random, reload)
		count++
		wait(200*time.Millisecond, 6*time.Second)
		end()
		l.over.Store(time.Now().UnixNano())
	}
	return count
}

// passing are errors that can pass.
var passing = []*kerr.Error{
	kerr.NetworkException, kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError,
	kerr.ThrottlingQuotaExceeded, kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.NotEnoughReplicas, kerr.UnknownServerError,
}

// refusing are errors of a batch that no single record deserves.
var refusing = []*kerr.Error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.CorruptMessage}

// fault begins a random fault and returns what ends it.
func (l *landing) fault(random *rand.Rand, reload func()) (end func()) {
	produce, metadata := []kmsg.Key{kmsg.Produce}, []kmsg.Key{kmsg.Metadata}
	install := func(f kfake.Fault) func() {
		f.Topic, f.Count = "demo.json", -1
		return l.Cluster().Fault(f).Remove
	}
	none := func() {}
	switch random.IntN(13) {
	case 0, 1:
		return install(kfake.Fault{Keys: produce, Err: passing[random.IntN(len(passing))]})
	case 2:
		return install(kfake.Fault{Keys: metadata, Err: passing[random.IntN(4)]})
	case 3: // half of the shards
		return install(kfake.Fault{Keys: produce, Partitions: []int32{0, 2}, Err: passing[random.IntN(len(passing))]})
	case 4: // batches of more than a few records
		return install(kfake.Fault{Keys: produce, Err: refusing[random.IntN(len(refusing))], When: func(r kmsg.Request) bool { return records(r) > 20 }})
	case 5:
		l.cut()
		return l.cut
	case 6: // connections die between the write and the answer
		l.DelayAcks(time.Hour)
		return func() { l.cut(); l.DelayAcks(0) }
	case 7:
		l.DelayAcks(2 * time.Second)
		return func() { l.DelayAcks(0) }
	case 8:
		l.away.Store(true)
		l.cut()
		return func() { l.away.Store(false) }
	case 9:
		l.SetRefuseSASL(random.IntN(2) == 0)
		l.SetCredentials("demo-project", "demo-id", "another")
		return func() { l.SetCredentials("demo-project", "demo-id", "demo-secret"); l.SetRefuseSASL(false) }
	case 10: // requests that are never answered
		var answer atomic.Bool
		l.Cluster().ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			if answer.Load() {
				return nil, nil, false
			}
			l.Cluster().KeepControl()
			return nil, nil, true
		})
		return func() { answer.Store(true) }
	case 11:
		for shard := range int32(4) {
			if err := l.Cluster().MoveTopicPartition("demo.json", shard, random.Int32N(nodes)); err != nil {
				panic(err)
			}
		}
		return none
	default:
		reload()
		return none
	}
}

// records is how many records a produce request carries.
func records(r kmsg.Request) (n int32) {
	for _, t := range r.(*kmsg.ProduceRequest).Topics {
		for _, p := range t.Partitions {
			var b kmsg.RecordBatch
			if b.ReadFrom(p.Records) == nil {
				n = max(n, b.NumRecords)
			}
		}
	}
	return n
}
