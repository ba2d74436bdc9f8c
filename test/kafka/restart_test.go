//go:build kafka

package kafka

import (
	"context"
	"testing"
	"time"
)

// pair is two loads at once, one for each value of required_acks, so that they
// meet with the same fault.
type pair struct {
	t                     *testing.T
	all, leader           *load
	allTopic, leaderTopic topic
}

func startPair(t *testing.T, name string) *pair {
	t.Helper()
	p := &pair{t: t, allTopic: createTopic(t, name+"-all"), leaderTopic: createTopic(t, name+"-leader")}
	out, _ := startOutput(t, name+"-all", options{"required_acks": "all"})
	p.all = startLoad(t, out, usual)
	out, _ = startOutput(t, name+"-leader", options{"required_acks": "1"})
	p.leader = startLoad(t, out, usual)
	p.untilDone(40)
	return p
}

func (p *pair) untilDone(chunks int) {
	p.t.Helper()
	p.all.untilDone(chunks)
	p.leader.untilDone(chunks)
}

// untilReplaced waits until no partition is led by the broker, which is down.
func (p *pair) untilReplaced(b *broker) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), readyLimit)
	defer cancel()
	if err := kafka.await(ctx, nil, b.replaced, p.allTopic.name, p.leaderTopic.name); err != nil {
		p.t.Fatal(err)
	}
}

// restart starts the broker, which is down, and waits until it has caught up.
func (p *pair) restart(b *broker) {
	p.t.Helper()
	if err := b.run(kafka.start); err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), readyLimit)
	defer cancel()
	if err := kafka.awaitServing(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// check ends the loads. With required_acks all nothing may be lost. With 1 a
// leader alone acknowledges, and what it had not yet handed on is gone when
// another takes its place: that is Kafka's promise, and no plugin betters it.
// So no more may be lost than what the brokers say they cut off.
func (p *pair) check(fault string) {
	p.t.Helper()
	p.untilDone(20)
	p.all.stop()
	p.leader.stop()
	p.allTopic.check(fault+", acks all", p.all, nil).complete(p.t)
	lost := len(p.leaderTopic.check(fault+", acks 1", p.leader, nil).lost)
	cut := p.leaderTopic.truncated()
	p.t.Logf("required_acks 1: %d records lost; followers of new leaders cut off %d", lost, cut)
	if lost > cut {
		p.t.Errorf("required_acks 1: %d records are lost, but Kafka lost at most %d of what it had acknowledged", lost, cut)
	}
}

// TestLeaderKilled kills a broker that leads, under load.
func TestLeaderKilled(t *testing.T) {
	p := startPair(t, "kill")
	b := p.leaderTopic.leader(0)
	b.kill()
	killed := time.Now()
	p.untilReplaced(b)
	t.Logf("broker %d killed; others lead after %v", b.id, time.Since(killed).Round(poll))
	p.untilDone(40)
	p.restart(b)
	p.check("leader killed")
}

// TestRollingRestart restarts all brokers in order, one after another, as an
// upgrade does.
func TestRollingRestart(t *testing.T) {
	p := startPair(t, "rolling")
	for _, b := range kafka.brokers {
		begin := time.Now()
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		p.untilReplaced(b)
		p.restart(b)
		t.Logf("broker %d restarted and in sync after %v", b.id, time.Since(begin).Round(poll))
	}
	p.check("rolling restart")
}
