package plugin

import (
	"slices"
	"testing"
)

// unit is large compared to chunkOverhead.
const unit = 1 << 20

// room is an admission of 100 units, with logstores that it knows.
type room struct {
	admission
	t      *testing.T
	stores map[string]*logstore
}

func newRoom(t *testing.T, single bool, names ...string) *room {
	r := &room{admission: admission{limit: 100 * unit, expansion: 1, single: single}, t: t, stores: make(map[string]*logstore)}
	for _, name := range names {
		r.stores[name] = &logstore{name: name}
		r.know(&r.stores[name].account, false)
	}
	return r
}

// chunk submits a chunk of a logstore that wants that many units.
func (r *room) chunk(name string, units int) *Chunk { return r.chunkOf(name, int64(units)*unit) }

// chunkOf is chunk in bytes.
func (r *room) chunkOf(name string, bytes int64) *Chunk {
	c := &Chunk{result: Pending, waker: new(countingWaker)}
	a := &r.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	c.account, c.wanted = &r.stores[name].account, bytes
	a.admitLocked(c)
	return c
}

func (r *room) wantAdmitted(chunks []*Chunk, want ...bool) {
	r.t.Helper()
	var got []bool
	for _, c := range chunks {
		got = append(got, r.isAdmitted(c))
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("admitted: %v, want %v", got, want)
	}
}

func (r *room) wantLoad(units int64, waiting int) {
	r.t.Helper()
	if used, gotWaiting := r.load(); (used+unit/2)/unit != units || gotWaiting != waiting {
		r.t.Errorf("%d bytes, %d chunks waiting, want %d and %d", used, gotWaiting, units*unit, waiting)
	}
}

func TestAdmissionInOrder(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	c := []*Chunk{r.chunk("demo", 60), r.chunk("demo", 30), r.chunk("demo", 20), r.chunk("demo", 5)}
	r.wantAdmitted(c, true, true, false, false) // the 5 would fit, but the 20 is before it
	r.end(c[1])
	r.wantAdmitted(c, true, false, true, true)
	for _, c := range []*Chunk{c[0], c[2], c[3]} {
		r.end(c)
	}
	r.wantLoad(0, 0)
}

func TestAdmissionOfAGiant(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	c := []*Chunk{r.chunk("demo", 1), r.chunk("demo", 500), r.chunk("demo", 1)}
	r.wantAdmitted(c, true, false, false)
	r.end(c[0])
	r.wantAdmitted(c, false, true, false)
	r.end(c[1])
	r.wantAdmitted(c, false, false, true)
}

func TestEndWhileWaiting(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	c := []*Chunk{r.chunk("demo", 90), r.chunk("demo", 50), r.chunk("demo", 20), r.chunk("demo", 10)}
	r.wantAdmitted(c, true, false, false, false)
	r.end(c[2])
	r.end(c[1]) // the next one fits now
	r.wantAdmitted(c, true, false, false, true)
	r.wantLoad(100, 0)
}

// A logstore takes as much as it leaves free. What it may not take is there for others.
func TestAdmissionDivides(t *testing.T) {
	t.Parallel()
	r := newRoom(t, false, "busy", "second", "quiet")
	var busy, second []*Chunk
	for range 100 {
		busy = append(busy, r.chunk("busy", 1))
	}
	r.wantLoad(50, 50)
	for range 100 {
		second = append(second, r.chunk("second", 1))
	}
	r.wantLoad(75, 125)
	quiet := r.chunk("quiet", 1)
	r.wantAdmitted([]*Chunk{quiet}, true)
	for _, c := range busy {
		r.end(c)
	}
	r.wantLoad(26, 75) // it waits for its own, or for the next second
	r.retry([]*account{&r.stores["second"].account})
	r.wantLoad(51, 50) // the 50 of the second that fit now
	for _, c := range append(second, quiet) {
		r.end(c)
	}
	r.wantLoad(0, 0)
}

// Logstores that fail take no more than half together, and each leaves some to the next;
// one that is well has the rest, also if it needs more than is left.
func TestAdmissionOfFailingLogstores(t *testing.T) {
	t.Parallel()
	r := newRoom(t, false, "a", "b", "c", "well")
	for _, name := range []string{"a", "b", "c"} {
		r.know(&r.stores[name].account, true)
		for range 100 {
			r.chunk(name, 1)
		}
	}
	r.wantLoad(25+13+6, 300-44) // of the half: a half each time
	large := r.chunk("well", 56)
	r.wantAdmitted([]*Chunk{large}, true)
	r.end(large)
	larger := r.chunk("well", 60) // it is alone among those that are well
	r.wantAdmitted([]*Chunk{larger}, true)
	small := r.chunk("well", 1)
	r.wantAdmitted([]*Chunk{small}, false)
	r.end(larger)
	r.wantAdmitted([]*Chunk{small}, true)
	r.know(&r.stores["a"].account, false)
	if used := r.stores["a"].account.used / unit; used < 28 {
		t.Errorf("%d units of a logstore that is well again", used)
	}
	for _, s := range r.stores {
		if s.account.failing && s.account.used > 25*unit {
			t.Errorf("%d units of %s", s.account.used/unit, s.name)
		}
	}
}

// Records of a logstore that nothing is known about get no room, and hold nobody up.
func TestAdmissionOfAnUnknownLogstore(t *testing.T) {
	t.Parallel()
	r := newRoom(t, false, "well")
	r.stores["new"] = &logstore{name: "new"}
	c := []*Chunk{r.chunk("new", 1), r.chunk("well", 1)}
	r.wantAdmitted(c, false, true)
	r.retry([]*account{&r.stores["new"].account})
	r.wantAdmitted(c, false, true)
	r.know(&r.stores["new"].account, false)
	r.wantAdmitted(c, true, true)
}

// reservePiece reserves a piece of a chunk for a logstore.
func (r *room) reservePiece(c *Chunk, name string, units int64, rest int) bool {
	s := c.shareOf(r.stores[name])
	s.pieceRecords, s.pieceBytes = 1, units*unit-chunkOverhead
	return r.reserve(c, c.shares, rest)
}

// A chunk goes on with the next piece if there is room, and else waits before the others
// of its logstore, with what it has.
func TestAdmissionByPieces(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	o := new(Output)
	o.logstores.single = true
	first, second, third := r.chunk("demo", 40), r.chunk("demo", 40), r.chunk("demo", 40)
	all := []*Chunk{first, second, third}
	for _, c := range all {
		c.out = o
	}
	r.wantAdmitted(all, true, true, false)
	if !r.reservePiece(first, "demo", 30, 0) {
		t.Fatal("a chunk that needs less than expected must go on")
	}
	r.encoded(first, 30*unit)
	r.wantLoad(70, 1)
	if r.reservePiece(second, "demo", 80, 0) {
		t.Fatal("a chunk that needs more than there is must wait")
	}
	r.wantAdmitted(all, true, false, false)
	r.wantLoad(30, 2)
	if r.stores["demo"].account.waiting[0] != second {
		t.Error("the chunk that must wait is not the first to wait")
	}
	first.shares[0].records++
	r.release(first.shares[0], 1, 15*unit)
	r.wantAdmitted(all, true, true, false)
	if !r.reservePiece(second, "demo", 80, 0) {
		t.Error("what it waited for is reserved")
	}
	r.wantLoad(95, 1)
	r.end(first)
	r.end(second)
	r.wantAdmitted(all[2:], true)
	r.end(third)
	r.wantLoad(0, 0)
}

// A piece with records of several logstores finds room for all of them, or for none.
func TestAdmissionOfAMixedPiece(t *testing.T) {
	t.Parallel()
	r := newRoom(t, false, "well", "failing")
	r.know(&r.stores["failing"].account, true)
	other := r.chunk("well", 1)
	c := r.chunk("well", 10)
	c.out = &Output{}
	well := c.shareOf(r.stores["well"])
	well.pieceRecords, well.pieceBytes = 1, 10*unit-chunkOverhead
	if r.reservePiece(c, "failing", 60, 0) {
		t.Fatal("60 units of a logstore that fails")
	}
	r.wantAdmitted([]*Chunk{c}, false)
	r.wantLoad(1, 1)
	r.end(other)
	r.wantAdmitted([]*Chunk{c}, true) // it is alone now, and tried again
	if !r.reservePiece(c, "failing", 60, 0) {
		t.Error("a piece that is alone finds room, whatever it takes")
	}
	r.wantLoad(70, 0)
}

// What a chunk needs is not known from the one before.
func TestEstimate(t *testing.T) {
	t.Parallel()
	a := &admission{limit: 32 * unit}
	for _, row := range []struct {
		name      string
		expansion float64
		length    int
		want      int64
	}{
		{"as the last", 3, unit / 10, chunkOverhead + 3*unit/10},
		{"a small part of the limit at most", 40, unit, unit},
		{"an empty one", 40, 0, chunkOverhead},
	} {
		a.expansion = row.expansion
		if got := a.estimateLocked(row.length); got < row.want-1 || got > row.want {
			t.Errorf("%s: %d bytes, want %d", row.name, got, row.want)
		}
	}
	c := &Chunk{length: 25, account: new(account)}
	a.encoded(c, chunkOverhead+60)
	if a.expansion != 60.0/25 {
		t.Errorf("expansion %v after a tiny chunk, want that of its records: %v", a.expansion, 60.0/25)
	}
}

// A blocking flush that comes for a chunk which ended while it was parked takes no room.
func TestAdmissionOfAnEndedChunk(t *testing.T) {
	t.Parallel()
	r := newRoom(t, true, "demo")
	c := r.chunk("demo", 1)
	r.park(c)
	r.end(c)
	r.unpark(c, unit)
	r.wantAdmitted([]*Chunk{c}, false)
	r.wantLoad(0, 0)
}

// A chunk that needs more than others leave free gets room, however many of them come and
// go: none of them ends before the next one is there.
func TestAdmissionOfAGiantAmongOthers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		limit  int64
		units  int
		others int
	}{{"more than all the room", unit, 2, 3}, {"more than others leave free", 12 * unit, 3, 13}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			busy := names("busy", row.others)
			r := newRoom(t, false, append(busy, "giant")...)
			r.limit = row.limit
			o := new(Output)
			var all []*account
			for _, s := range r.stores {
				all = append(all, &s.account)
			}
			var inflight []*Chunk
			give := func(name string) {
				c := r.chunkOf(name, row.limit/16)
				c.out = o
				inflight = append(inflight, c)
			}
			for _, name := range busy {
				give(name)
			}
			giant := r.chunk("giant", row.units)
			giant.out = o
			for second := 0; !r.isAdmitted(giant); second++ {
				if second == 60 {
					t.Fatal("others overtake it for ever")
				}
				for i, name := range busy {
					give(name)
					r.end(inflight[0])
					if inflight = inflight[1:]; i == 0 {
						r.retry(all)
					}
				}
				if used, _ := r.load(); used > row.limit+overdraft {
					t.Fatalf("%d bytes of %d", used, row.limit)
				}
			}
			if !r.reservePiece(giant, "giant", int64(row.units), 0) {
				t.Error("its piece finds no room")
			}
			if used, _ := r.load(); used > row.limit+overdraft {
				t.Errorf("%d bytes of %d", used, row.limit)
			}
			second := r.chunk("giant", 3)
			r.wantAdmitted([]*Chunk{second}, false)
			r.end(giant)
			r.end(second)
			for _, c := range inflight {
				r.end(c)
			}
			r.wantLoad(0, 0)
		})
	}
}
