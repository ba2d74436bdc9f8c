package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/produce"
)

// checkLogstore requests the metadata of the logstore's topic and returns the number
// of its shards. A request without the topic would not show a refused AccessKey or
// an unknown logstore.
func (h *health) checkLogstore() (shards int, err error) {
	o := h.out
	topics := []string{o.defaultTopic}
	answer, err := o.cluster.Metadata(context.Background(), topics)
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.connectErr != nil {
			return 0, h.connectErr
		}
		return 0, err
	}
	found := produce.FindTopic(answer, o.defaultTopic)
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, err
	}
	o.producer.Update(topics, answer)
	return len(found.Partitions), nil
}

// probe is checkLogstore during an incident without traffic: nothing else shows that
// the incident is over. While batches wait, their own tries do.
type probe struct {
	running   bool
	wait      produce.Backoff
	succeeded time.Time // when one did last
}

// startProbeLocked runs a probe in the background, unless one is running or has to
// wait.
func (h *health) startProbeLocked(now time.Time) {
	if h.probe.running || !h.probe.wait.Ready(now) {
		return
	}
	h.probe.running = true
	h.out.background(func() {
		err := errProbePanicked
		defer func() { h.probed(err) }()
		if _, err = h.checkLogstore(); err != nil {
			h.failed(h.out.defaultTopic, err)
		}
	})
}

var errProbePanicked = errors.New("the probe did not end")

func (h *health) probed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probe.running = false
	if err != nil {
		h.probe.wait.Failed(time.Now(), h.out.cfg.Backoff)
		return
	}
	h.probe.wait.Reset()
	h.probe.succeeded = time.Now()
}

// checkAtStart logs whether the logstore can be reached. With healthcheck require it
// waits for the result, and its failure is an error.
func (o *Output) checkAtStart() error {
	if o.cfg.Healthcheck == config.HealthcheckOff {
		return nil
	}
	check := func() error {
		shards, err := o.health.checkLogstore()
		for range len(o.cfg.Endpoints) - 1 { // each request goes to one of them
			if err == nil {
				break
			}
			shards, err = o.health.checkLogstore()
		}
		if err == nil {
			o.log.Infof("logstore %s of project %s is reachable at %s, %d shards", o.cfg.Logstore, o.cfg.Project, o.cfg.Addresses(), shards)
		}
		return err
	}
	if o.cfg.Healthcheck == config.HealthcheckRequire {
		if err := check(); err != nil {
			return fmt.Errorf("healthcheck require: %s", o.cfg.AdviceWithoutRetry(err))
		}
		return nil
	}
	o.background(func() {
		if err := check(); err != nil {
			o.failed(o.defaultTopic, err)
		}
	})
	return nil
}
