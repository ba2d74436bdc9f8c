package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"out_sls_kafka/plugin"
	"out_sls_kafka/test/simkafka"
)

// checkOK: a chunk is OK when each of its records was acknowledged, or is one
// that may be rejected.
func (w *world) checkOK(c *chunk) {
	w.cluster.Account(c.number, func(a *simkafka.Account) {
		for i, n := range a.Answered {
			if n == 0 && !c.mayReject(i) {
				w.violate("lost", "chunk %d of %s is OK, but record %d of %d was not acknowledged", c.number, c.topic, i, c.records)
				return
			}
		}
	})
}

func (c *chunk) mayReject(i int) bool { return c.bad != nil && c.bad[i] }

// checkDeadLetters: what is in no logstore is in the file, and what is in the file may be rejected.
func (w *world) checkDeadLetters() {
	kept := w.readDeadLetters()
	if n := int(w.numbers.of("records_rejected_total")); n < len(kept) && !w.closed {
		w.violate("count", "%d records rejected, %d dead letters", n, len(kept))
	}
	for _, c := range w.chunks {
		if c.result != plugin.OK {
			continue
		}
		w.cluster.Account(c.number, func(a *simkafka.Account) {
			for i, n := range a.Answered {
				if n == 0 && !kept[c.number*1e6+i] {
					w.violate("not-kept", "record %d of chunk %d of %s was rejected and is not in the dead letters", i, c.number, c.topic)
				}
			}
		})
	}
}

func (w *world) readDeadLetters() map[int]bool {
	kept := make(map[int]bool)
	f, err := os.Open(w.deadLetters())
	if errors.Is(err, fs.ErrNotExist) {
		return kept
	} else if err != nil {
		w.violate("world", "%v", err)
		return kept
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var l struct{ Record, Reason string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			w.violate("dead-letters", "a line that is not JSON: %v", err)
			continue
		}
		w.checkRejected(recordID(l.Record), l.Reason, kept)
	}
	if err := lines.Err(); err != nil {
		w.violate("world", "%v", err)
	}
	return kept
}

func (w *world) checkRejected(id int, reason string, kept map[int]bool) {
	kept[id] = true
	for _, c := range w.chunks {
		if c.number == id/1e6 && !c.mayReject(id%1e6) {
			w.violate("rejected", "record %d of chunk %d of %s, which nothing is wrong with: %s", id%1e6, c.number, c.topic, reason)
		}
	}
}

// recordID reads the id out of a record's JSON; 0 where there is none.
func recordID(record string) int {
	_, rest, _ := strings.Cut(record, `"id":`)
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(rest[:max(end, 0)]) // 0 is a record too, of chunk 0
	return n
}
