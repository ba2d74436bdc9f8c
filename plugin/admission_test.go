package plugin

import (
	"slices"
	"testing"
)

// unit is large compared to chunkRoom.
const unit = 1 << 20

// lineOf admits chunks of n units each to a buffer of 100 units in which
// a byte needs one byte of room, and returns them.
func lineOf(lengths ...int) (*buffer, []*Chunk) {
	b := &buffer{limit: 100 * unit, growth: 1}
	var chunks []*Chunk
	for _, n := range lengths {
		c := &Chunk{length: n*unit - chunkRoom}
		b.enter(c)
		chunks = append(chunks, c)
	}
	return b, chunks
}

func wantAdmitted(t *testing.T, b *buffer, chunks []*Chunk, want ...bool) {
	t.Helper()
	var got []bool
	for _, c := range chunks {
		got = append(got, b.admittedNow(c))
	}
	if !slices.Equal(got, want) {
		t.Errorf("admitted: %v, want %v", got, want)
	}
}

func TestBufferAdmitsInOrder(t *testing.T) {
	t.Parallel()
	b, c := lineOf(60, 30, 20, 5)
	wantAdmitted(t, b, c, true, true, false, false) // the 5 would fit, but stands behind the 20
	b.leave(c[1])
	wantAdmitted(t, b, c, true, false, true, true)
	b.leave(c[0])
	b.leave(c[2])
	b.leave(c[3])
	if used, line := b.load(); used != 0 || line != 0 {
		t.Errorf("%d bytes, %d in line at the end", used, line)
	}
}

func TestBufferTakesAGiantAlone(t *testing.T) {
	t.Parallel()
	b, c := lineOf(500, 1)
	wantAdmitted(t, b, c, true, false)
	b.leave(c[0])
	wantAdmitted(t, b, c, false, true)

	b, c = lineOf(1, 500, 1)
	wantAdmitted(t, b, c, true, false, false)
	b.leave(c[0])
	wantAdmitted(t, b, c, false, true, false)
	b.leave(c[1])
	wantAdmitted(t, b, c, false, false, true)
}

func TestBufferLetsGoInLine(t *testing.T) {
	t.Parallel()
	b, c := lineOf(90, 50, 20, 10)
	wantAdmitted(t, b, c, true, false, false, false)
	b.leave(c[2])
	b.leave(c[1]) // whoever stood behind it fits now
	wantAdmitted(t, b, c, true, false, false, true)
	wantLoad(t, b, 100, 0)
}

// wantLoad compares to the nearest unit.
func wantLoad(t *testing.T, b *buffer, units int64, line int) {
	t.Helper()
	if used, waiting := b.load(); (used+unit/2)/unit != units || waiting != line {
		t.Errorf("%d bytes, %d in line, want %d and %d", used, waiting, units*unit, line)
	}
}

func TestBufferSettles(t *testing.T) {
	t.Parallel()
	b, c := lineOf(40, 40, 40)
	wantAdmitted(t, b, c, true, true, false)
	if !b.settle(c[0], 30*unit) {
		t.Fatal("a chunk that needs less than expected must stay")
	}
	if b.settle(c[1], 90*unit) {
		t.Fatal("a chunk that needs more than there is must wait")
	}
	wantAdmitted(t, b, c, true, false, false)
	wantLoad(t, b, 30, 2)
	if b.line[0] != c[1] {
		t.Error("the chunk that must wait is not at the head of the line")
	}
	b.leave(c[0])
	wantAdmitted(t, b, c, false, true, false)
	if !b.settle(c[1], 120*unit) {
		t.Error("a chunk that is alone must stay, whatever it needs")
	}
	if b.growth < 2.99 || b.growth > 3.01 {
		t.Errorf("growth %v, want what the last chunk showed: 3", b.growth)
	}
	b.correct(c[1], 70*unit) // it was less in the end
	wantLoad(t, b, 70, 1)
	b.leave(c[1])
	wantAdmitted(t, b, c, false, false, true)
	b.correct(c[1], 70*unit) // it is gone
	wantLoad(t, b, 40, 0)
}

// Room that a better estimate frees is given to those in line at once, and not
// only when a chunk ends: that may take as long as an outage.
func TestBufferGivesCorrectedRoom(t *testing.T) {
	t.Parallel()
	b, c := lineOf(60, 50, 30)
	w := new(countingWaker)
	c[1].waker, c[2].waker, c[1].result, c[2].result = w, w, Pending, Pending
	wantAdmitted(t, b, c, true, false, false)
	b.settle(c[0], 50*unit)
	wantAdmitted(t, b, c, true, true, false)
	b.correct(c[0], 20*unit)
	wantAdmitted(t, b, c, true, true, true)
	if n := w.n.Load(); n != 2 {
		t.Errorf("%d wakes, want one of each chunk that was admitted", n)
	}
}

// One chunk of many small records says little of the next.
func TestBufferEstimates(t *testing.T) {
	t.Parallel()
	b := &buffer{limit: 32 * unit, growth: 1}
	for _, row := range []struct {
		name   string
		growth float64
		length int
		want   int64
	}{
		{"as the last", 3, unit, chunkRoom + 3*unit},
		{"a quarter of the limit at most", 40, unit, 8 * unit},
		{"but no less than its own bytes", 40, 10 * unit, 10 * unit},
		{"an empty one", 40, 0, chunkRoom},
	} {
		b.growth = row.growth
		if got := b.estimate(row.length); got != row.want {
			t.Errorf("%s: %d bytes, want %d", row.name, got, row.want)
		}
	}
	c := &Chunk{length: 25}
	b.enter(c)
	b.settle(c, chunkRoom+60)
	if b.growth != 60.0/25 {
		t.Errorf("growth %v after a tiny chunk, want that of its records: %v", b.growth, 60.0/25)
	}
}
