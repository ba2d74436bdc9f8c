package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/produce"
)

// checkLogstore requests the metadata of a logstore's topic and returns the number of
// its shards. A request without the topic would not show a refused AccessKey or an
// unknown logstore.
func (h *health) checkLogstore(topic string) (shards int, err error) {
	o := h.out
	topics := []string{topic}
	answer, err := o.cluster.Metadata(context.Background(), topics)
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.connectErr != nil {
			return 0, h.connectErr
		}
		return 0, err
	}
	found := produce.FindTopic(answer, topic)
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, err
	}
	o.producer.Update(topics, answer)
	return len(found.Partitions), nil
}

// probe is checkLogstore of the option logstore during an incident without traffic: nothing else shows that
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
		if _, err = h.checkLogstore(h.out.defaultTopic); err != nil {
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

// checkAtStart logs whether each logstore that an option names can be reached. With
// healthcheck require it waits for the results, and the first failure is an error.
func (o *Output) checkAtStart() error {
	switch o.cfg.Healthcheck {
	case config.HealthcheckOff:
		return nil
	case config.HealthcheckRequire:
		for _, name := range o.cfg.FixedLogstores() {
			if err := o.checkAtEndpoints(name); err != nil {
				return fmt.Errorf("healthcheck require: %s", o.cfg.AdviceWithoutRetry(name, err))
			}
		}
		return nil
	}
	o.background(func() {
		for _, name := range o.cfg.FixedLogstores() {
			if err := o.checkAtEndpoints(name); err != nil && !o.failedAtStart(name, err) {
				return
			}
		}
	})
	return nil
}

// checkAtEndpoints tries each endpoint until one knows the logstore, for a request goes to
// one of them.
func (o *Output) checkAtEndpoints(name string) error {
	topic := o.cfg.Topic(name)
	shards, err := o.health.checkLogstore(topic)
	for range len(o.cfg.Endpoints) - 1 {
		if err == nil {
			break
		}
		shards, err = o.health.checkLogstore(topic)
	}
	if err == nil {
		o.log.Infof("logstore %s of project %s is reachable at %s, %d shards", name, o.cfg.Project, o.cfg.Addresses(), shards)
	}
	return err
}

// failedAtStart notes that the check of a logstore failed, and tells whether the next one
// may go better: what is wrong with a connection is wrong for all.
func (o *Output) failedAtStart(name string, err error) (others bool) {
	topic := o.cfg.Topic(name)
	if others = failure.Of(err).Scope != failure.Broker; others && topic != o.defaultTopic {
		o.logstores.fixed(name, time.Now()) // for its incident; it is forgotten when nothing comes for it
	}
	o.failed(topic, err)
	return others
}
