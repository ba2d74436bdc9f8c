package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The outcomes of a write that say nothing of the fields.
const (
	acknowledged = "acknowledged"
	notFound     = "acknowledged, and not found"
)

// sample is a write and what is to be said of the records that land of it.
type sample struct {
	write
	// found picks its records among all that were read; nil: those with the experiment's mark.
	found func(landed) bool
	// says is the outcome for the records that landed, nil where acknowledged is all there is to say.
	says func([]landed) string
}

// pending is a sample that was acknowledged.
type pending struct {
	row    *Row
	sample sample
	mark   string
}

// samples writes all samples, reads back what landed of them, and says what that was.
func (p *prober) samples(all []experiment, report *Report) {
	p.startReading()
	var waiting []pending
	p.each(all, report, func(e experiment) bool { return e.sample != nil }, func(e experiment, row *Row) {
		mark := p.mark + "." + e.id
		s := e.sample(p.marked(mark))
		if got, err := p.produce(s.write); err != nil {
			row.take(result{outcome: inWords(err)})
		} else if err := got.first(); err != nil {
			row.take(result{outcome: inWords(err)})
		} else {
			waiting = append(waiting, pending{row, s, mark})
		}
	})
	read := p.finishReading()
	for _, w := range waiting {
		if p.ctx.Err() != nil {
			w.row.take(result{detail: "interrupted"})
			continue
		}
		w.row.take(w.outcome(read, p.reader != nil))
	}
}

// marked is the prober for an experiment whose records have a mark of their own.
func (p *prober) marked(mark string) *prober {
	own := *p
	own.mark = mark
	return &own
}

func (w pending) outcome(read []landed, seen bool) result {
	if !seen {
		return result{outcome: acknowledged, unseen: true}
	}
	found := w.sample.found
	if found == nil {
		found = func(l landed) bool { return l.holds(w.mark) }
	}
	var own []landed
	for _, l := range read {
		if found(l) {
			own = append(own, l)
		}
	}
	wanted := 0
	for _, b := range w.sample.batches {
		wanted += len(b.records)
	}
	switch {
	case len(own) == 0:
		return result{outcome: notFound}
	case len(own) != wanted:
		return result{outcome: fmt.Sprintf("%d of %d records found", len(own), wanted)}
	case w.sample.says == nil:
		return result{outcome: acknowledged, detail: "and read back"}
	}
	return result{outcome: w.sample.says(own)}
}

// one is a write of one record with everything as usual: gzip, acks 1, to the first shard.
func (p *prober) one(json bool, r record) write {
	if r.at.IsZero() {
		r.at = p.t.Now()
	}
	return write{codec: "gzip", acks: 1, batches: []batch{{json: json, shard: p.shards[0], records: []record{r}}}}
}

// text is a record of the plain topic.
func (p *prober) text() record { return record{value: []byte(p.mark + " text")} }

// object is a JSON object with the mark and what else is given.
func (p *prober) object(more string) record {
	return record{value: []byte(`{"probe":"` + p.mark + `"` + more + `}`)}
}

func writeExperiments() []experiment {
	const part = "writing"
	all := []experiment{
		{id: "produce-versions", part: part, asks: "each advertised version of Produce from 3 on", local: "all acknowledged", ask: (*prober).produceVersions},
		{id: "acks-1", part: part, asks: "acks 1", documented: acknowledged, local: acknowledged, sample: func(p *prober) sample { return p.acks(1) }},
		{id: "acks-all", part: part, asks: "acks all", local: acknowledged, sample: func(p *prober) sample { return p.acks(-1) }},
	}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		documented := ""
		if codec == "none" || codec == "gzip" { // in the page's samples
			documented = acknowledged
		}
		all = append(all, experiment{id: "codec-" + codec, part: part, asks: "compression " + codec, documented: documented, local: acknowledged, sample: func(p *prober) sample {
			w := p.one(false, p.text())
			w.codec = codec
			return sample{write: w}
		}})
	}
	return append(all,
		experiment{id: "batches", part: part, asks: "a request with batches for several shards and both topics", local: acknowledged, sample: (*prober).severalBatches},
		experiment{id: "text", part: part, asks: "a text to the topic logstore", documented: "content=MARK text", local: "content=MARK text", sample: func(p *prober) sample {
			return sample{write: p.one(false, p.text()), says: p.fields}
		}},
		experiment{id: "json", part: part, asks: "an object to the topic logstore.json", documented: "a=b", local: "a=b", sample: func(p *prober) sample {
			return sample{write: p.one(true, p.object(`,"a":"b"`)), says: p.fields}
		}},
		experiment{id: "header", part: part, asks: "an object to the topic logstore, with the header data-parse-format: json", local: "a=b", sample: func(p *prober) sample {
			r := p.object(`,"a":"b"`)
			r.headers = []header{{"data-parse-format", "json"}}
			return sample{write: p.one(false, r), says: p.fields}
		}},
		experiment{id: "key", part: part, asks: "a text with the record key k", local: "content=MARK text", sample: func(p *prober) sample {
			r := p.text()
			r.key = []byte("k")
			return sample{write: p.one(false, r), says: p.fields}
		}},
	)
}

func (p *prober) acks(n int16) sample {
	w := p.one(false, p.text())
	w.acks = n
	return sample{write: w}
}

// severalBatches writes to all shards of the node that has the first, by both topics.
func (p *prober) severalBatches() sample {
	w := p.one(false, p.text())
	w.batches = nil
	for _, json := range []bool{false, true} {
		for _, shard := range p.shards {
			if p.leader(json, shard) == p.leader(false, p.shards[0]) && len(w.batches) < 16 {
				r := p.object(``)
				r.at = p.t.Now()
				w.batches = append(w.batches, batch{json, shard, []record{r}})
			}
		}
	}
	return sample{write: w}
}

// produceVersions writes a record in each version, on a connection of its own where one was ended.
func (p *prober) produceVersions() result {
	s, ok := p.api[kmsg.Produce.Int16()]
	if !ok {
		return result{outcome: "not advertised"}
	}
	var failed []string
	most := min(s.to, (&kmsg.ProduceRequest{}).MaxVersion())
	for v := max(s.from, 3); v <= most; v++ {
		w := p.one(false, record{value: []byte(fmt.Sprintf("%s.produce-version-%d", p.mark, v))})
		w.version = v
		got, err := p.produce(w)
		if err == nil {
			err = got.first()
		}
		if err != nil {
			failed = append(failed, fmt.Sprintf("%d %s", v, inWords(err)))
		}
	}
	detail := fmt.Sprintf("versions %d to %d, tried 3 to %d", s.from, s.to, most)
	if len(failed) > 0 {
		return result{outcome: "not all: " + strings.Join(failed, ", "), detail: detail}
	}
	return result{outcome: "all acknowledged", detail: detail}
}

func timeExperiments() []experiment {
	var all []experiment
	for _, c := range []struct {
		id, asks string
		ago      time.Duration
	}{
		{"time-1970", "a record of 1970", 0},
		{"time-10-years", "a record of ten years ago", 10 * 365 * 24 * time.Hour},
		{"time-8-days", "a record of 8 days ago (PutLogs takes 7)", 8 * 24 * time.Hour},
		{"time-6-days", "a record of 6 days ago", 6 * 24 * time.Hour},
		{"time-10-minutes-ahead", "a record of 10 minutes ahead (PutLogs takes 15)", -10 * time.Minute},
		{"time-1-hour-ahead", "a record of an hour ahead", -time.Hour},
		{"time-1-day-ahead", "a record of a day ahead", -24 * time.Hour},
	} {
		all = append(all, experiment{id: c.id, part: "times", asks: c.asks, local: "lands with its time", sample: func(p *prober) sample {
			at := p.t.Now().Add(-c.ago)
			if c.ago == 0 {
				at = time.Unix(1, 0)
			}
			r := p.text()
			r.at = at
			return sample{write: p.one(false, r), says: func(l []landed) string {
				if l[0].at.Unix() == at.Unix() {
					return "lands with its time"
				}
				return "lands with another time"
			}}
		}})
	}
	return all
}
