package plugin

import (
	"fmt"

	"out_sls_kafka/plugin/display"
)

// strays are records of a piece whose logstore logstore_allowed does not have. They go to
// the option logstore.
type strays struct {
	records int
	first   []byte // what logstore_key found for the first; a part of the batch
}

func (s *strays) add(route []byte) {
	if s.records == 0 {
		s.first = route
	}
	s.records++
}

// noteStrays counts them once the piece is the producer's, and logs one line a minute.
func (c *Chunk) noteStrays(s *strays) {
	if s.records > 0 {
		c.out.stats.strays.Add(int64(s.records))
		c.out.health.logStrays(c.tag, s)
	}
}

// noteRouteless logs once that logstore_key found nothing: it may be what some records
// lack, or a misspelt field or part of the tag, which no record has.
func (c *Chunk) noteRouteless() {
	if o := c.out; !o.routeless.Load() && !o.routeless.Swap(true) {
		o.log.Infof("record of tag %q goes to logstore %s: logstore_key found nothing; others are not logged", display.Cut(c.tag), o.cfg.Logstore)
	}
}

func (h *health) logStrays(tag string, s *strays) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.strayLogged.due() {
		h.straySkipped += s.records
		return
	}
	more := ""
	if n := h.straySkipped + s.records - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more of this kind in the last minute)", n)
	}
	h.out.log.Warnf("record of tag %q goes to logstore %s: logstore_allowed does not have %q, which logstore_key found%s", display.Cut(tag), h.out.cfg.Logstore, display.Cut(string(s.first)), more)
	h.straySkipped = 0
}
