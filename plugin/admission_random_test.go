package plugin

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// tryPiece encodes one piece of a chunk, with that many bytes for each logstore, as
// Chunk.encode does. It returns whether the piece found room.
func (r *room) tryPiece(c *Chunk, needs map[string]int64) bool {
	before := len(c.shares)
	for name, bytes := range needs {
		s := c.shareOf(r.stores[name])
		s.pieceRecords, s.pieceBytes = 1, bytes
	}
	if r.reserve(c, c.shares, 0) {
		return true
	}
	c.dropPiece(before)
	return false
}

// A piece that finds no room waits until something has changed: one that is woken at once
// would be tried for ever.
func TestPieceWithoutRoomWaits(t *testing.T) {
	t.Parallel()
	r := newRoom(t, false, "failing", "small", "large")
	r.know(&r.stores["failing"].account, true)
	r.chunk("failing", 30)
	c := r.chunk("small", 5)
	c.out = &Output{}
	for range 10 {
		if r.tryPiece(c, map[string]int64{"small": 5 * unit, "large": 90 * unit}) {
			return
		}
		if !r.isAdmitted(c) {
			r.t.Fatal("it waits, and nothing is in its way")
		}
	}
	t.Error("it is woken each time, and finds no room")
}

// Logstores that one after the other take a piece and then fail, as if the service
// refused all that is written, take no more than there is.
func TestLogstoresThatFailInTurn(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprint(i))
	}
	r := newRoom(t, false, names...)
	for _, name := range names {
		c := r.chunk(name, 1)
		c.out = &Output{}
		if r.isAdmitted(c) {
			r.tryPiece(c, map[string]int64{name: unit})
			r.encoded(c, unit)
			r.know(&r.stores[name].account, true)
		}
	}
	if used, _ := r.load(); used > 105*unit {
		t.Errorf("%d units of 100 are used", used/unit)
	}
}

// randomRoom does at random what an output does with its admission.
type randomRoom struct {
	*room
	random *rand.Rand
	names  []string
	chunks map[*Chunk]*randomChunk
}

// randomChunk is a chunk and its next pieces.
type randomChunk struct {
	pieces []map[string]int64
	sent   []*share // with records that are not acknowledged
}

func (r *randomRoom) submit() {
	name := r.names[r.random.IntN(len(r.names))]
	c := r.chunk(name, 1+r.random.IntN(3))
	c.out = &Output{}
	rc := &randomChunk{}
	for range 1 + r.random.IntN(4) {
		piece := make(map[string]int64)
		for range 1 + r.random.IntN(3) {
			bytes := int64(1+r.random.IntN(4)) * unit / 2
			if r.random.IntN(50) == 0 {
				bytes = int64(r.random.IntN(200)) * unit
			}
			piece[r.names[r.random.IntN(len(r.names))]] = bytes
		}
		rc.pieces = append(rc.pieces, piece)
	}
	r.chunks[c] = rc
}

// encode encodes the next piece of a chunk that may be encoded.
func (r *randomRoom) encode(c *Chunk) {
	rc := r.chunks[c]
	for tries := 0; r.isAdmitted(c) && len(rc.pieces) > 0; tries++ {
		if tries > 20 {
			r.t.Fatal("a chunk is woken again and again, and finds no room")
		}
		piece := rc.pieces[0]
		for name := range piece { // the service has answered, or nothing gets room
			if !r.stores[name].account.known {
				r.know(&r.stores[name].account, r.random.IntN(2) == 0)
			}
		}
		if !r.tryPiece(c, piece) {
			continue
		}
		for name := range piece {
			rc.sent = append(rc.sent, c.shareOf(r.stores[name]))
		}
		if rc.pieces = rc.pieces[1:]; len(rc.pieces) == 0 {
			r.encoded(c, unit)
		}
		return
	}
}

// ack acknowledges what was sent of a chunk for logstores that do not fail.
func (r *randomRoom) ack(c *Chunk) {
	rc := r.chunks[c]
	kept := rc.sent[:0]
	for _, s := range rc.sent {
		if s.logstore.account.failing {
			kept = append(kept, s)
			continue
		}
		if s.records > 0 {
			r.release(s, 1, s.bytes/int64(s.records))
		}
	}
	if rc.sent = kept; len(kept)+len(rc.pieces) == 0 {
		r.end(c)
		delete(r.chunks, c)
	}
}

func (r *randomRoom) check() {
	r.t.Helper()
	a := &r.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	used, failing, waiting := int64(0), int64(0), 0
	for name, s := range r.stores {
		if s.account.used < 0 {
			r.t.Fatalf("%d bytes of %s", s.account.used, name)
		}
		if used += s.account.used; s.account.failing {
			failing += s.account.used
		}
		waiting += len(s.account.waiting)
	}
	if used != a.used || failing != a.failing || waiting != a.waiting {
		r.t.Fatalf("%d bytes, %d fail, %d wait; by logstore %d, %d, %d", a.used, a.failing, a.waiting, used, failing, waiting)
	}
}

func (r *randomRoom) any() *Chunk {
	for c := range r.chunks { // in an order by chance
		return c
	}
	return nil
}

// Whatever comes in whatever order, sums are right all the while, nothing is tried for
// ever, and when all logstores are well every chunk gets through.
func TestAdmissionAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // it is to be the same each time
		names := []string{"a", "b", "c", "d", "e"}[:1+random.IntN(5)]
		r := &randomRoom{newRoom(t, len(names) == 1, names...), random, names, make(map[*Chunk]*randomChunk)}
		for range 500 {
			switch c := r.any(); random.IntN(8) {
			case 0, 1:
				r.submit()
			case 2:
				if !r.single {
					r.know(&r.stores[names[random.IntN(len(names))]].account, random.IntN(2) == 0)
				}
			case 3, 4, 5:
				if c != nil {
					r.encode(c)
				}
			case 6:
				if c != nil {
					r.ack(c)
				}
			case 7:
				if c != nil && random.IntN(4) == 0 {
					r.park(c)
					r.unpark(c, random.IntN(unit))
				}
				r.setNames(random.IntN(1000))
			}
			r.check()
		}
		r.finish(seed)
	}
}

// finish lets all logstores be well, and everything get through.
func (r *randomRoom) finish(seed uint64) {
	for _, s := range r.stores {
		r.know(&s.account, false)
	}
	for round := 0; len(r.chunks) > 0; round++ {
		if round > 10_000 {
			r.t.Fatalf("seed %d: %d chunks are stuck", seed, len(r.chunks))
		}
		for c := range r.chunks {
			r.encode(c)
			r.ack(c)
			r.check()
		}
		if round%10 == 9 {
			var all []*account
			for _, s := range r.stores {
				all = append(all, &s.account)
			}
			r.retry(all)
		}
	}
	r.wantLoad(0, 0)
}
