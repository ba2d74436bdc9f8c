package produce

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/config"
)

// fleetCluster counts what all nodes of a fleet ask of a service in each second.
type fleetCluster struct {
	begin time.Time

	mu       sync.Mutex
	down     bool
	requests []int // by second
}

func (c *fleetCluster) count() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	second := int(time.Since(c.begin) / time.Second)
	for len(c.requests) <= second {
		c.requests = append(c.requests, 0)
	}
	c.requests[second]++
	if c.down {
		return errors.New("connection refused")
	}
	return nil
}

func (c *fleetCluster) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *fleetCluster) Produce(_ context.Context, _ int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error) {
	time.Sleep(20 * time.Millisecond)
	if err := c.count(); err != nil {
		return nil, err
	}
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition = p.Partition
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer, nil
}

func (c *fleetCluster) Metadata(_ context.Context, topics []string) (*kmsg.MetadataResponse, error) {
	time.Sleep(20 * time.Millisecond)
	if err := c.count(); err != nil {
		return nil, err
	}
	answer := kmsg.NewPtrMetadataResponse()
	for _, name := range topics {
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = &name
		topic.Partitions = append(topic.Partitions, kmsg.NewMetadataResponseTopicPartition())
		answer.Topics = append(answer.Topics, topic)
	}
	return answer, nil
}

// peak is the highest number of requests in a second, as a multiple of the mean.
func peak(seconds []int) (mean, multiple float64) {
	sum := 0
	for _, n := range seconds {
		sum += n
	}
	mean = float64(sum) / float64(len(seconds))
	return mean, float64(slices.Max(seconds)) / mean
}

// A fleet does not act in one second: not while an outage lasts, and not when it
// ends. Each node asks once in retry_backoff_max, whatever it has to ask.
func TestFleet(t *testing.T) {
	if raceDetector {
		t.Skip("2,000 nodes take minutes with the race detector: make test runs it without as well")
	}
	const nodes = 2000
	const healthy, outage, after = time.Minute, 10 * time.Minute, 2 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		c := &fleetCluster{begin: time.Now()}
		cfg := &config.Config{RetryBackoff: time.Second, RetryBackoffMax: 30 * time.Second}
		o := options()
		o.Backoff = cfg.Backoff
		var running sync.WaitGroup
		for range nodes {
			p, err := New(o, c, &fakeObserver{})
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { // a flush a second, not all in the same moment
				owner := &fakeOwner{}
				time.Sleep(rand.N(time.Second))
				for time.Since(c.begin) < healthy+outage+after {
					addFor(p, owner, []Record{{Topic: "logs", Value: []byte("line")}})
					time.Sleep(time.Second)
				}
				_ = p.Close(t.Context())
			})
		}
		time.Sleep(healthy)
		c.set(true)
		time.Sleep(outage)
		c.set(false)
		running.Wait()

		second := func(d time.Duration) int { return int(d / time.Second) }
		before := c.requests[5:second(healthy)]
		usual, _ := peak(before)
		lasting := c.requests[second(healthy)+60 : second(healthy+outage)]
		mean, multiple := peak(lasting)
		t.Logf("healthy %.0f requests a second; in the outage %.1f, %.2f times that at most", usual, mean, multiple)
		if multiple > 3 {
			t.Errorf("%.2f times the mean in a second of the outage, want 3 at most", multiple)
		}
		if each := mean / nodes * 30; each > 1.3 {
			t.Errorf("each node asks %.2f times in retry_backoff_max, want once", each)
		}
		if first, most := slices.Max(c.requests[second(healthy):second(healthy)+60]), int(3*usual); first > most {
			t.Errorf("%d requests in a second at the beginning of the outage, want %d at most", first, most)
		}
		if end, most := slices.Max(c.requests[second(healthy+outage):]), int(3*usual); end > most {
			t.Errorf("%d requests in a second after the outage, want %d at most", end, most)
		}
	})
}
