package produce

import (
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// shardsAge is how long the shards of a topic count as known: a split is seen
// within it.
const shardsAge = 5 * time.Minute

// metadataFloor is the least time between two requests for shards, whatever the
// answers say: no answer may make a loop without a wait. The Kafka client has
// the same floor.
const metadataFloor = 250 * time.Millisecond

// movedFloor is the least time between two new leaders that end the pause of a
// shard. A leader that moves more often is asked by backoff.
const movedFloor = 5 * time.Second

func (t *topic) wantsShards(now time.Time) bool {
	return t.stale || len(t.shards) == 0 || now.Sub(t.learned) > shardsAge
}

func nameOf(t kmsg.MetadataResponseTopic) string {
	if t.Topic == nil {
		return ""
	}
	return *t.Topic
}

// SortTopics puts an answer's topics in the order of their names.
func SortTopics(answer *kmsg.MetadataResponse) {
	slices.SortFunc(answer.Topics, func(a, b kmsg.MetadataResponseTopic) int { return strings.Compare(nameOf(a), nameOf(b)) })
}

// FindTopic finds a topic in a sorted answer. If the answer does not mention the
// topic, the result has the error that it does not exist.
func FindTopic(answer *kmsg.MetadataResponse, name string) kmsg.MetadataResponseTopic {
	i, found := slices.BinarySearchFunc(answer.Topics, name, func(t kmsg.MetadataResponseTopic, name string) int { return strings.Compare(nameOf(t), name) })
	if !found {
		return kmsg.MetadataResponseTopic{ErrorCode: kerr.UnknownTopicOrPartition.Code}
	}
	return answer.Topics[i]
}

// ask asks for the shards of those topics, in the background. p.mu is held.
func (p *Producer) ask(topics []*topic, now time.Time) {
	if p.asking {
		return
	}
	var names []string
	for _, t := range topics {
		if !t.asks.over(now) {
			p.at(t.asks.until)
			continue
		}
		names = append(names, t.name)
	}
	if len(names) == 0 {
		return
	}
	if next := p.nextAsk(); now.Before(next) {
		p.at(next)
		return
	}
	p.asking, p.asked = true, now
	p.background(func() {
		defer p.askedOnce()
		answer, err := p.cluster.Metadata(p.ctx, names)
		p.learn(names, answer, err)
	})
}

// nextAsk is when shards may be asked for again. p.mu is held.
func (p *Producer) nextAsk() time.Time {
	floor := p.asked.Add(metadataFloor)
	if p.asks.until.After(floor) {
		return p.asks.until
	}
	return floor
}

// askedOnce lets the next request for shards be made, also after a panic.
func (p *Producer) askedOnce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking = false
	p.advance()
}

// Update takes in a sorted answer about topics that somebody else asked for, and
// sends what waits for it.
func (p *Producer) Update(names []string, answer *kmsg.MetadataResponse) { p.learn(names, answer, nil) }

// learn takes in an answer about topics and sends what waits for it.
func (p *Producer) learn(names []string, answer *kmsg.MetadataResponse, err error) {
	failed, dropped := p.learnAll(names, answer, err)
	for _, f := range failed {
		p.failed(f.topic, f.err)
	}
	dropped.tell(p)
}

// unlearnt is a topic that an answer does not tell the shards of, and why.
type unlearnt struct {
	topic string
	err   error
}

// learnAll returns what failed, and batches that could not be read back.
func (p *Producer) learnAll(names []string, answer *kmsg.MetadataResponse, err error) (failed []unlearnt, dropped outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.closed { // what is placed now would be nobody's to release
		return nil, dropped
	}
	if err != nil {
		p.asks.fail(now, p.options.Backoff)
		return []unlearnt{{"", err}}, dropped
	}
	p.asks = pause{}
	for _, name := range names {
		if err := p.learnTopic(name, answer, now, &dropped); err != nil {
			failed = append(failed, unlearnt{name, err})
		}
	}
	p.advance()
	return failed, dropped
}

func (p *Producer) learnTopic(name string, answer *kmsg.MetadataResponse, now time.Time, dropped *outcome) error {
	t, about := p.known(name), FindTopic(answer, name)
	err := kerr.ErrorForCode(about.ErrorCode)
	if err == nil && len(about.Partitions) == 0 {
		err = kerr.LeaderNotAvailable
	}
	if err != nil {
		t.stale = true
		t.asks.fail(now, p.options.Backoff)
		return err
	}
	t.id, t.learned, t.stale = about.TopicID, now, false
	before := t.shards
	t.shards = make([]*shard, 0, len(about.Partitions))
	slices.SortFunc(about.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return int(a.Partition - b.Partition) })
	for i := range about.Partitions {
		s := p.learnShard(t, before, &about.Partitions[i], now)
		t.stale = t.stale || s.leader < 0
		t.shards = append(t.shards, s)
	}
	if t.stale {
		t.asks.fail(now, p.options.Backoff)
	} else {
		t.asks = pause{}
	}
	for _, s := range before {
		if !slices.Contains(t.shards, s) {
			p.leave(s)
		}
	}
	p.settleIn(t, now, dropped)
	return nil
}

func (p *Producer) learnShard(t *topic, before []*shard, about *kmsg.MetadataResponseTopicPartition, now time.Time) *shard {
	leader := about.Leader
	if about.ErrorCode != 0 {
		leader = -1
	}
	var s *shard
	if i := slices.IndexFunc(before, func(s *shard) bool { return s.index == about.Partition }); i >= 0 {
		s = before[i]
	} else {
		s = &shard{index: about.Partition, leader: leader}
		s.own = queue{topic: t, shard: s}
	}
	if s.leader != leader {
		s.leader = leader
		if now.Sub(s.moved) >= movedFloor { // brokers may disagree about the leader
			s.moved = now
			s.pause.hurry()
		}
	}
	if leader >= 0 && p.brokers[leader] == nil {
		p.brokers[leader] = &broker{id: leader}
	}
	return s
}

// settleIn finds the shards of records that wait to know theirs. p.mu is held.
func (p *Producer) settleIn(t *topic, now time.Time, dropped *outcome) {
	q := &t.homeless
	if q.open != nil {
		p.fill(q)
	}
	line := q.line
	q.line = nil
	for _, b := range line {
		err := b.each(func(o Owner, key, value []byte, millis int64) {
			p.place(p.queueOf(t, key), o, key, value, millis, now)
		})
		if err != nil { // it was written a moment ago, and not compressed
			p.observer.Panicked(err)
			dropped.dropped = append(dropped.dropped, b)
			continue
		}
		p.pool.put(b.wire)
	}
}

// leave gives the batches of a shard that is gone to the others.
func (p *Producer) leave(s *shard) {
	s.gone = true
	if s.own.open != nil {
		p.fill(&s.own)
	}
	to := &s.own.topic.any
	for _, b := range s.own.line {
		b.queue = to
	}
	to.line = append(to.line, s.own.line...)
	s.own.line = nil
}
