package plugin

import (
	"context"
	"out_sls_kafka/plugin/produce"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// check asks the broker for the logstore's metadata, the real topic's: a
// request without it would not see a refused AccessKey or an unknown logstore.
// It returns the number of shards.
func (h *health) check() (shards int, err error) {
	o := h.out
	topics := []string{o.topic}
	answer, err := o.cluster.Metadata(context.Background(), topics)
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.connect != nil {
			return 0, h.connect
		}
		return 0, err
	}
	found := produce.About(answer, o.topic)
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, err
	}
	o.producer.Update(topics, answer)
	return len(found.Partitions), nil
}

// probe is the check as it is made again while there is trouble: an output
// without traffic learns of the end of a trouble by it alone, and chunks that
// wait long before they try again are sent when it first succeeds.
type probe struct {
	running   bool
	failed    bool // the last one did
	succeeded time.Time
}

// ask makes a probe in the background. h.mu is held.
func (h *health) ask() {
	if h.probe.running {
		return
	}
	h.probe.running = true
	broken := h.probe.failed || h.connect != nil
	h.out.background(func() {
		_, err := h.check()
		h.mu.Lock()
		h.probe.running, h.probe.failed = false, err != nil
		if err == nil {
			h.probe.succeeded = time.Now()
		}
		h.mu.Unlock()
		switch {
		case err != nil:
			h.failed(h.out.topic, err)
		case broken:
			h.out.producer.RetryNow()
		}
	})
}
