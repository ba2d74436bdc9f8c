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
// that may be rejected, or when it is in the spool, where no power cut takes it.
func (w *world) checkOK(c *chunk) {
	if w.Spool && w.shelf.look(w.disk).safe[c.key] > 0 {
		return
	}
	if i := w.missing(c); i >= 0 {
		w.violate("lost", "chunk %d of %s is OK, but record %d of %d was not acknowledged, nor is it in the spool", c.number, c.topic, i, c.records)
	}
}

// missing is the first record of a chunk that is in no logstore and must be in one; -1: none.
func (w *world) missing(c *chunk) (first int) {
	first = -1
	w.cluster.Account(c.number, func(a *simkafka.Account) {
		for i, n := range a.Answered {
			if n == 0 && !c.mayReject(i) {
				first = i
				return
			}
		}
	})
	return first
}

func (c *chunk) mayReject(i int) bool { return c.bad != nil && c.bad[i] }

// checkDeadLetters: what is in no logstore is in the file, and what is in the file may be rejected.
func (w *world) checkDeadLetters() {
	kept := w.readDeadLetters()
	n := int(w.total("records_rejected_total"))
	if n < len(kept) && !w.closed && len(w.lives) == 1 { // a life that was thrown away has told its numbers up to a second before
		w.violate("count", "%d records rejected, %d dead letters", n, len(kept))
	}
	if want := w.Expect.Rejected; want > 0 && (n != want || len(kept) != want) {
		w.violate("rejections", "%d records rejected and %d kept, %d are expected to be", n, len(kept), want)
	}
	for _, c := range w.chunks {
		if c.result != plugin.OK || w.stock.safe[c.key] > 0 {
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
	chunks := make(map[int]*chunk)
	for _, c := range w.chunks {
		chunks[c.number] = c
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if !json.Valid(lines.Bytes()) {
			w.violate("dead-letters", "a line that is not JSON: %s", lines.Bytes())
			continue
		}
		id := recordID(lines.Text())
		kept[id] = true
		if c := chunks[id/1e6]; c != nil && !c.mayReject(id%1e6) {
			w.violate("rejected", "a record that nothing is wrong with: %s", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		w.violate("world", "%v", err)
	}
	return kept
}

// recordID reads the id of the record that is quoted in a dead letter; 0 if there is none.
func recordID(line string) int {
	_, rest, _ := strings.Cut(line, `\"id\":`)
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(rest[:max(end, 0)]) // 0 is a record too, of chunk 0
	return n
}
