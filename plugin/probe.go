package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/produce"
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
	found := produce.FindTopic(answer, o.topic)
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

// firstCheck logs whether the logstore can be reached; with healthcheck
// require it waits for that and fails if not.
func (o *Output) firstCheck() error {
	if o.cfg.Healthcheck == config.HealthcheckOff {
		return nil
	}
	check := func() error {
		shards, err := o.health.check()
		if err == nil {
			o.log.Infof("logstore %s of project %s is reachable at %s, %d shards", o.cfg.Logstore, o.cfg.Project, o.cfg.Addresses(), shards)
		}
		return err
	}
	if o.cfg.Healthcheck == config.HealthcheckRequire {
		if err := check(); err != nil {
			return fmt.Errorf("healthcheck require: %s", o.cfg.Advice(o.cfg.Logstore, err))
		}
		return nil
	}
	o.background(func() {
		if err := check(); err != nil {
			o.health.failed(o.topic, err)
		}
	})
	return nil
}
