package plugin

import (
	"time"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin/produce"
)

// share is the part of a chunk that goes to one logstore. It implements
// [produce.Owner].
type share struct {
	chunk    *Chunk
	logstore *logstore
	// Of the piece that is being encoded.
	pieceRecords int
	pieceBytes   int64
	// Guarded by admission.mu: what is reserved and not released.
	records int
	bytes   int64
}

// need is how many bytes the share takes for its piece. Its first records need
// chunkOverhead more.
func (s *share) need() int64 {
	if s.pieceRecords > 0 && s.records == 0 {
		return s.pieceBytes + chunkOverhead
	}
	return s.pieceBytes
}

// addToPiece counts a record of the piece.
func (s *share) addToPiece(bytes int) {
	s.pieceRecords++
	s.pieceBytes += int64(bytes)
}

// maxShareScan is how many shares of a chunk are looked through one by one.
const maxShareScan = 8

// shareOf returns the chunk's share of a logstore.
func (c *Chunk) shareOf(to *logstore) *share {
	if n := len(c.shares); n <= maxShareScan {
		for _, s := range c.shares {
			if s.logstore == to {
				return s
			}
		}
	} else if s := c.byLogstore[to]; s != nil {
		return s
	}
	return c.addShare(to)
}

func (c *Chunk) addShare(to *logstore) *share {
	to.use(time.Now())
	s := &c.firstShare
	if len(c.shares) == 0 {
		c.shares = c.shareRoom[:0]
	} else {
		s = new(share)
	}
	s.chunk, s.logstore = c, to
	c.shares = append(c.shares, s)
	switch {
	case len(c.shares) <= maxShareScan:
	case c.byLogstore == nil:
		c.byLogstore = make(map[*logstore]*share)
		for _, s := range c.shares {
			c.byLogstore[s.logstore] = s
		}
	default:
		c.byLogstore[to] = s
	}
	return s
}

// routing is where the records of a piece go.
type routing struct {
	now    time.Time
	route  []byte // of the record before
	share  *share
	reject bool // it goes nowhere: its logstore does not exist
	stray  bool // logstore_allowed does not have its name
}

// next returns where a record goes. It returns false if there are too many unknown names.
func (r *routing) next(c *Chunk, b *encoder.Batch, record *encoder.Record) bool {
	route := b.Bytes(record.Route)
	if r.share != nil && string(route) == string(r.route) {
		return true
	}
	to, reject, stray := c.out.logstoreOf(route, r.now, c.routeIsFixed)
	if to == nil {
		return false
	}
	if len(route) == 0 && c.out.cfg.Encoding.RouteField != "" {
		c.noteRouteless()
	}
	r.route, r.reject, r.stray, r.share = route, reject, stray, c.shareOf(to)
	return true
}

// logstoreOf returns where records with that value of logstore_key go, empty: without
// one; nil: too many unknown names. With reject they go nowhere; they are stray if
// logstore_allowed does not have the name. isFixed tells that the name is that of an option.
func (o *Output) logstoreOf(route []byte, now time.Time, isFixed bool) (to *logstore, reject, stray bool) {
	to = o.logstores.common
	if len(route) > 0 {
		if isFixed {
			to = o.logstores.fixed(string(route), now)
		} else {
			to = o.logstores.find(route, now)
		}
		if to == nil {
			return nil, false, false
		}
		if stray = to == o.logstores.stray; stray {
			to = o.logstores.common
		}
		if d := to.diverted.Load(); d != nil {
			to, reject = o.logstores.elsewhere(d), d.reject
		}
	}
	if to == o.logstores.common {
		o.askCommon()
	}
	return to, reject, stray
}

// Acked counts records that were acknowledged.
func (s *share) Acked(records int, bytes int64) {
	defer s.chunk.out.recoverPanic(s.chunk)
	s.settle(records, bytes)
}

// settle ends records: they are acknowledged, or rejected and accounted for.
func (s *share) settle(records int, bytes int64) {
	s.chunk.out.admission.release(s, records, bytes)
	s.chunk.recordsDone(records)
}

// Rejected accounts for a record that the broker refused in a batch of its own.
func (s *share) Rejected(r produce.Record, err error) {
	defer s.chunk.out.recoverPanic(s.chunk)
	s.reject(r.Topic, r.Key, r.Value, r.Millis, err)
}

// Held tells that a record was refused alone and waits. One line a minute names its
// tag.
func (s *share) Held(topic string, err error) {
	defer s.chunk.out.recoverPanic(s.chunk)
	o := s.chunk.out
	o.health.logHeld(s.chunk.tag, o.cfg.LogstoreOf(topic), err)
}

// Released gives the chunk back to Fluent Bit.
func (s *share) Released(int) {
	defer s.chunk.out.recoverPanic(s.chunk)
	s.chunk.setResult(Retry)
}
