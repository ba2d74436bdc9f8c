package simkafka

import (
	"fmt"
	"slices"
	"time"
)

// window is what the worst rate is counted in.
const window = 10 * time.Second

// Rate is how many requests of a kind there were.
type Rate struct {
	Worst int // in any 10 s
	Total int
}

// Rates are how much a client asks of a cluster.
type Rates struct {
	Metadata Rate // requests about topics
	Produce  Rate // requests
	Dials    Rate // connections, refused ones included
	Failed   Rate // batches that got an error: the worst of one partition, the total of all
	FailedOf string
	// ProduceSeconds and DialSeconds are the numbers of each second since Start.
	ProduceSeconds, DialSeconds []int
}

// traffic counts requests. The cluster's lock guards it.
type traffic struct {
	metadata, produce, dials counter
	failed                   map[string]*counter // by partition
}

func (t *traffic) fail(topic string, partition int32, at time.Duration) {
	key := fmt.Sprintf("%s/%d", topic, partition)
	if t.failed[key] == nil {
		t.failed[key] = &counter{}
	}
	t.failed[key].add(at)
}

type counter struct {
	Rate
	recent  []time.Duration // those of the last window
	seconds []int
}

func (c *counter) add(at time.Duration) {
	c.recent = append(c.recent, at)
	over, _ := slices.BinarySearch(c.recent, at-window+1)
	c.recent = c.recent[over:]
	c.Worst = max(c.Worst, len(c.recent))
	c.Total++
	second := int(at / time.Second)
	for len(c.seconds) <= second {
		c.seconds = append(c.seconds, 0)
	}
	c.seconds[second]++
}

// Rates are the rates since Start.
func (c *Cluster) Rates() Rates {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.traffic
	r := Rates{
		Metadata:       t.metadata.Rate,
		Produce:        t.produce.Rate,
		Dials:          t.dials.Rate,
		ProduceSeconds: slices.Clone(t.produce.seconds),
		DialSeconds:    slices.Clone(t.dials.seconds),
	}
	for key, failed := range t.failed {
		r.Failed.Total += failed.Total
		if failed.Worst > r.Failed.Worst || failed.Worst == r.Failed.Worst && key < r.FailedOf {
			r.Failed.Worst, r.FailedOf = failed.Worst, key
		}
	}
	return r
}
