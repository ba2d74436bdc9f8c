package sls

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAddShards(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprintf("nodes=%d", nodes), func(t *testing.T) {
			e := start(t, Options{Nodes: nodes, Shards: 1, Logstores: []string{"demo", "other"}})
			client := dial(t, e, rightUser, rightPassword)
			send(t, client, record("demo", "before"))
			for _, n := range []int{1, 2} {
				if err := e.AddShards("demo", n); err != nil {
					t.Fatal(err)
				}
			}
			fresh := dial(t, e, rightUser, rightPassword)
			for shard := range int32(4) {
				for _, topic := range topicsOf("demo") {
					send(t, fresh, &kgo.Record{Topic: topic, Partition: shard, Value: []byte("{}")})
				}
			}
			want := []Logstore{{"demo", 9, []int64{3, 2, 2, 2}}, {"other", 0, []int64{0}}}
			if got := e.Logstores(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("logstores %v, want %v", got, want)
			}
			if logs := e.Logs("demo"); logs[1].Offset != 1 {
				t.Errorf("the first shard goes on with offset %d, want 1", logs[1].Offset)
			}
		})
	}
}

// A client that runs spreads over the new shards after its next metadata.
func TestShardsAddedUnderLoad(t *testing.T) {
	e := start(t, Options{Shards: 1})
	client := dial(t, e, rightUser, rightPassword, kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sent := 0
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := client.ProduceSync(timeout(t), record("demo", "x")).FirstErr(); err != nil {
				t.Error(err)
				return
			}
			sent++
		}
	})
	if err := e.AddShards("demo", 2); err != nil {
		t.Fatal(err)
	}
	spread := func() bool {
		for _, n := range e.Logstores()[0].Shards {
			if n == 0 {
				return false
			}
		}
		return true
	}
	client.ForceMetadataRefresh()
	for n := 1; !spread(); n++ {
		if err := e.WaitCount(timeout(t), "demo", n); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	sending.Wait()
	wantCount(t, e, "demo", sent)
}

func TestAddShardsIsChecked(t *testing.T) {
	e := start(t, Options{})
	if e.AddShards("absent", 1) == nil || e.AddShards("demo", 0) == nil {
		t.Error("shards were added to an absent logstore, or none")
	}
	e.Close()
	wantError(t, "AddShards", e.AddShards("demo", 1), errClosed)
}

func TestClientsMayNotAddPartitions(t *testing.T) {
	e := start(t, Options{})
	client := dial(t, e, rightUser, rightPassword)
	req := kmsg.NewPtrCreatePartitionsRequest()
	asked := kmsg.NewCreatePartitionsRequestTopic()
	asked.Topic, asked.Count = "demo", 9
	req.Topics = append(req.Topics, asked)
	resp, err := req.RequestWith(timeout(t), client)
	if err != nil {
		t.Fatal(err)
	}
	if got := kerr.ErrorForCode(resp.Topics[0].ErrorCode); !errors.Is(got, kerr.TopicAuthorizationFailed) {
		t.Errorf("CreatePartitions: %v, want %v", got, kerr.TopicAuthorizationFailed)
	}
	if got := e.Cluster().TopicInfo("demo"); got == nil || len(e.Cluster().PartitionInfos("demo")) != 2 {
		t.Errorf("the topic is %+v, want two partitions", got)
	}
}

func TestAddedShardsHaveAQuota(t *testing.T) {
	s := newLogstore("demo", 1, 0)
	s.grow(1)
	quota := Quota{Bytes: 10}
	if !s.admit(1, quota, 10) || s.admit(1, quota, 10) {
		t.Error("the added shard does not keep to its quota")
	}
}
