package sim

import (
	"slices"
	"time"

	"out_sls_kafka/test/simkafka"
)

// share is what was offered on a way in some state, and what came through soon.
type share struct {
	offered, soon, skipped int
	want                   float64 // of the records offered
}

// enough is the part of the records that have to come through soon where nothing is wrong with their way.
const enough = 0.9

// checkThroughput: logstores that nothing is wrong with get nearly all of their
// records in time; those with shards in trouble what the other shards can take:
// all of them where a record may go to any.
func (w *world) checkThroughput() {
	if w.Family == "squeeze" || w.Family == "backlog" || w.Skew != 0 {
		return // there is more than room
	}
	end := min(w.Duration, w.now()) - soonAfter
	healthy, partial := map[string]*share{}, map[string]*share{}
	w.mu.Lock()
	for _, c := range w.chunks {
		if !c.fresh || c.offered > end {
			continue
		}
		if sh := w.shareOf(c, healthy, partial); sh != nil {
			sh.offered += c.records
			sh.soon += c.soon
		}
	}
	for _, c := range w.skipped {
		if sh := w.shareOf(c, healthy, nil); sh != nil && c.fresh && c.offered <= end {
			sh.offered += c.records
			sh.skipped += c.records
		}
	}
	w.mu.Unlock()
	for topic, sh := range healthy {
		if sh.offered > 100 && float64(sh.soon) < sh.want*float64(sh.offered) && !w.tooNarrow(topic) {
			w.violate("throughput", "%s: nothing was wrong with it, but of %d records %d came through within %v (%d were not even given)", topic, sh.offered, sh.soon, soonAfter, sh.skipped)
		}
	}
	for topic, sh := range partial {
		if sh.offered > 500 && float64(sh.soon) < sh.want*float64(sh.offered) {
			w.violate("shard-throughput", "%s: some shards were in trouble, but of %d records only %d came through within %v", topic, sh.offered, sh.soon, soonAfter)
		}
	}
}

// shareOf finds the share that a chunk counts for; nil: none.
func (w *world) shareOf(c *chunk, healthy, partial map[string]*share) *share {
	t := w.troubled(c.topic, c.offered, c.offered+soonAfter)
	l := w.Logstore(c.topic)
	switch {
	case t.whole || l == nil:
		return nil
	case t.partitions == nil:
		return get(healthy, c.topic, enough)
	case partial == nil || w.reshaped(c.topic):
		return nil
	case w.bound():
		// A batch of records for each shard: those for the ones in trouble wait.
		return get(partial, c.topic, 0.8*float64(l.Shards-len(t.partitions))/float64(l.Shards))
	}
	// What was on its way to a shard when its trouble began goes elsewhere after a moment.
	return get(partial, c.topic, 0.8)
}

// tooNarrow tells whether batches are refused at a size that lets less through than a topic
// is offered: a shard takes one batch a round trip, and one that is too large takes three.
func (w *world) tooNarrow(topic string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	offered := 0
	for _, c := range slices.Concat(w.chunks, w.skipped) {
		if c.topic == topic {
			offered += c.bytes
		}
	}
	rate, roundTrip := float64(offered)/w.Duration.Seconds(), w.Latency.Seconds()
	return slices.ContainsFunc(w.Faults, func(f *simkafka.Fault) bool {
		return f.Kind == simkafka.TooLarge && float64(w.fewestShards(topic)*f.Size) < 3*roundTrip*rate
	})
}

// reshaped tells whether the topic's shards change their number, or a fault is about one it may not have.
func (s *Scenario) reshaped(topic string) bool {
	for _, e := range s.Events {
		if e.Topic == topic && (e.Kind == Split || e.Kind == Merge) {
			return true
		}
	}
	return false
}

func get(m map[string]*share, topic string, want float64) *share {
	if m[topic] == nil {
		m[topic] = &share{want: want}
	}
	m[topic].want = min(m[topic].want, want)
	return m[topic]
}

// checkPace: with as much to do as goes through, trouble of a shard costs no more
// than that shard.
func (w *world) checkPace() {
	if w.Family != "busy" || len(w.Faults) != 1 {
		return
	}
	f, l := w.Faults[0], &w.Logstores[0]
	before, during := 0, 0
	for _, c := range w.chunks {
		switch {
		case c.settled > 5*time.Second && c.settled < f.From:
			before += c.records
		case c.settled > f.From+5*time.Second && c.settled < f.Until:
			during += c.records
		}
	}
	was, is := float64(before)/(f.From-5*time.Second).Seconds(), float64(during)/(f.Until-f.From-5*time.Second).Seconds()
	parts := float64(l.Shards)
	if f.Kind == simkafka.Poison {
		parts = 1e9
	}
	if is < enough*was*(parts-1)/parts {
		w.violate("pace", "%v on one of %d shards: %.0f records a second in place of %.0f", f, l.Shards, is, was)
	}
}
