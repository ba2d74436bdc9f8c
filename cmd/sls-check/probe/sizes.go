package probe

import (
	"fmt"
	"strings"
	"time"
)

const (
	mib = 1 << 20
	// largestTried is where the search for the largest record and request ends.
	largestTried = 16 * mib
	// sizeStep is how exact it is.
	sizeStep = mib / 8
	// batchShare is the largest batch of a large request: below the megabyte that brokers take by default.
	batchShare = 900 << 10
)

func sizeExperiments() []experiment {
	const part = "sizes"
	return []experiment{
		{id: "largest-record", part: part, asks: "the largest record, uncompressed, alone in its batch", local: "up to 9.9 MiB, then refused: MESSAGE_TOO_LARGE", ask: (*prober).largestRecord, after: true},
		{id: "largest-request", part: part, asks: "the largest request, of batches of 900 KiB to all shards", local: "no limit met", ask: (*prober).largestRequest, after: true},
	}
}

// search finds how many bytes are taken, and how more are refused.
func (p *prober) search(most int, try func(bytes int) error) result {
	if !p.t.Sizes {
		return result{detail: "left out with -sizes=false"}
	}
	fault := try(most)
	if fault == nil {
		return result{outcome: "no limit met", detail: fmt.Sprintf("up to %.1f MiB", float64(most)/mib)}
	}
	taken, refused := 0, most
	for refused-taken > sizeStep && p.ctx.Err() == nil {
		middle := (taken + refused) / 2
		if err := try(middle); err != nil {
			refused, fault = middle, err
		} else {
			taken = middle
		}
	}
	return result{outcome: fmt.Sprintf("up to %.1f MiB, then %s", float64(taken)/mib, inWords(fault))}
}

func (p *prober) largestRecord() result {
	return p.search(largestTried, func(n int) error {
		w := p.one(false, p.filled("largest-record", n))
		w.codec = "none"
		return p.accepted(w)
	})
}

// filled is a record of n bytes.
func (p *prober) filled(name string, n int) record {
	begin, end := `{"probe":"`+p.mark+"."+name+`","x":"`, `"}`
	return record{value: []byte(begin + strings.Repeat("x", max(0, n-len(begin)-len(end))) + end), at: p.t.Now()}
}

func (p *prober) accepted(w write) error {
	got, err := p.produce(w)
	if err != nil {
		return err
	}
	return got.first()
}

// largestRequest takes as many shards as one node has, of both topics, since a request has one batch for each.
func (p *prober) largestRequest() result {
	room := len(p.severalBatches().batches)
	most := min(room*batchShare, largestTried)
	got := p.search(most, func(n int) error {
		w := p.severalBatches().write
		w.codec = "none"
		used := w.batches[:0]
		for i, left := 0, n; left > 0 && i < room; i++ {
			share := min(batchShare, left)
			left -= share
			w.batches[i].records = []record{p.filled("largest-request", share)}
			used = append(used, w.batches[i])
		}
		w.batches = used
		return p.accepted(w)
	})
	if got.detail == "" {
		got.detail = fmt.Sprintf("of up to %d batches", room)
	}
	return got
}

// Bounds of the load on one shard.
const (
	loadTime  = 30 * time.Second
	loadBytes = 512 << 10
	loadMost  = 400 * mib
)

// load writes to one shard until it is asked to be slower.
func (p *prober) load() result {
	if !p.t.Load {
		return result{detail: "it writes up to 400 MiB: ask for it with -load"}
	}
	began, sent := time.Now(), 0
	for time.Since(began) < loadTime && sent < loadMost {
		w := p.one(false, p.filled("load", loadBytes))
		w.codec = "none"
		got, err := p.produceOnce(w)
		if err == nil {
			err = got.first()
		}
		rate := fmt.Sprintf("after %.0f MB in %.1fs", float64(sent)/1e6, time.Since(began).Seconds())
		switch {
		case err != nil:
			return result{outcome: inWords(err), detail: rate + "; " + p.recovers(w)}
		case got.throttle > 0:
			return result{outcome: "lands, and throttle_time asks for a wait", detail: fmt.Sprintf("%s, of %v", rate, got.throttle)}
		}
		sent += loadBytes
	}
	return result{outcome: "no limit met", detail: fmt.Sprintf("%.0f MB in %.1fs", float64(sent)/1e6, time.Since(began).Seconds())}
}

// recovers writes until that works again.
func (p *prober) recovers(w write) string {
	began := time.Now()
	for time.Since(began) < loadTime {
		got, err := p.produceOnce(w)
		if err == nil && got.first() == nil {
			return fmt.Sprintf("taken again after %.1fs", time.Since(began).Seconds())
		}
		if p.sleep(100*time.Millisecond) != nil {
			break
		}
	}
	return "not taken again in " + loadTime.String()
}
