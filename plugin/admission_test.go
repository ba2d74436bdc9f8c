package plugin

import (
	"slices"
	"testing"
)

// unit is large compared to chunkOverhead.
const unit = 1 << 20

// admitAll has chunks of the given lengths, in units, admitted where the limit is 100
// units and a byte of msgpack takes a byte of memory. It returns the chunks.
func admitAll(lengths ...int) (*admission, []*Chunk) {
	a := &admission{limit: 100 * unit, expansion: 1}
	var chunks []*Chunk
	for _, n := range lengths {
		c := &Chunk{length: n*unit - chunkOverhead}
		a.admit(c)
		chunks = append(chunks, c)
	}
	return a, chunks
}

func wantAdmitted(t *testing.T, a *admission, chunks []*Chunk, want ...bool) {
	t.Helper()
	var got []bool
	for _, c := range chunks {
		got = append(got, a.isAdmitted(c))
	}
	if !slices.Equal(got, want) {
		t.Errorf("admitted: %v, want %v", got, want)
	}
}

func TestAdmissionInOrder(t *testing.T) {
	t.Parallel()
	a, c := admitAll(60, 30, 20, 5)
	wantAdmitted(t, a, c, true, true, false, false) // the 5 would fit, but the 20 is before it
	a.release(c[1])
	wantAdmitted(t, a, c, true, false, true, true)
	a.release(c[0])
	a.release(c[2])
	a.release(c[3])
	if used, waiting := a.load(); used != 0 || waiting != 0 {
		t.Errorf("%d bytes, %d chunks waiting at the end", used, waiting)
	}
}

func TestAdmissionOfAGiant(t *testing.T) {
	t.Parallel()
	a, c := admitAll(500, 1)
	wantAdmitted(t, a, c, true, false)
	a.release(c[0])
	wantAdmitted(t, a, c, false, true)

	a, c = admitAll(1, 500, 1)
	wantAdmitted(t, a, c, true, false, false)
	a.release(c[0])
	wantAdmitted(t, a, c, false, true, false)
	a.release(c[1])
	wantAdmitted(t, a, c, false, false, true)
}

func TestReleaseWhileWaiting(t *testing.T) {
	t.Parallel()
	a, c := admitAll(90, 50, 20, 10)
	wantAdmitted(t, a, c, true, false, false, false)
	a.release(c[2])
	a.release(c[1]) // the next one fits now
	wantAdmitted(t, a, c, true, false, false, true)
	wantLoad(t, a, 100, 0)
}

// wantLoad compares to the nearest unit.
func wantLoad(t *testing.T, a *admission, units int64, waiting int) {
	t.Helper()
	if used, gotWaiting := a.load(); (used+unit/2)/unit != units || gotWaiting != waiting {
		t.Errorf("%d bytes, %d chunks waiting, want %d and %d", used, gotWaiting, units*unit, waiting)
	}
}

func TestReestimate(t *testing.T) {
	t.Parallel()
	a, c := admitAll(40, 40, 40)
	wantAdmitted(t, a, c, true, true, false)
	if !a.reestimate(c[0], 30*unit) {
		t.Fatal("a chunk that needs less than expected must stay")
	}
	if a.reestimate(c[1], 90*unit) {
		t.Fatal("a chunk that needs more than there is must wait")
	}
	wantAdmitted(t, a, c, true, false, false)
	wantLoad(t, a, 30, 2)
	if a.waiting[0] != c[1] {
		t.Error("the chunk that must wait is not the first to wait")
	}
	a.release(c[0])
	wantAdmitted(t, a, c, false, true, false)
	if !a.reestimate(c[1], 120*unit) {
		t.Error("a chunk that is alone must stay, whatever it needs")
	}
	if a.expansion < 2.99 || a.expansion > 3.01 {
		t.Errorf("expansion %v, want what the last chunk showed: 3", a.expansion)
	}
	a.commit(c[1], 70*unit) // it was less in the end
	wantLoad(t, a, 70, 1)
	a.release(c[1])
	wantAdmitted(t, a, c, false, false, true)
	a.commit(c[1], 70*unit) // it is gone
	wantLoad(t, a, 40, 0)
}

// Waiting chunks get the memory that a better estimate frees at once, and not only
// when a chunk is done: that may take as long as an outage.
func TestFreedRoomIsGivenAtOnce(t *testing.T) {
	t.Parallel()
	a, c := admitAll(60, 50, 30)
	w := new(countingWaker)
	c[1].waker, c[2].waker, c[1].result, c[2].result = w, w, Pending, Pending
	wantAdmitted(t, a, c, true, false, false)
	a.reestimate(c[0], 50*unit)
	wantAdmitted(t, a, c, true, true, false)
	a.commit(c[0], 20*unit)
	wantAdmitted(t, a, c, true, true, true)
	if n := w.n.Load(); n != 2 {
		t.Errorf("%d wakes, want one of each chunk that was admitted", n)
	}
}

// One chunk of many small records says little of the next.
func TestEstimate(t *testing.T) {
	t.Parallel()
	a := &admission{limit: 32 * unit, expansion: 1}
	for _, row := range []struct {
		name      string
		expansion float64
		length    int
		want      int64
	}{
		{"as the last", 3, unit, chunkOverhead + 3*unit},
		{"a quarter of the limit at most", 40, unit, 8 * unit},
		{"but no less than its own bytes", 40, 10 * unit, 10 * unit},
		{"an empty one", 40, 0, chunkOverhead},
	} {
		a.expansion = row.expansion
		if got := a.estimateLocked(row.length); got != row.want {
			t.Errorf("%s: %d bytes, want %d", row.name, got, row.want)
		}
	}
	c := &Chunk{length: 25}
	a.admit(c)
	a.reestimate(c, chunkOverhead+60)
	if a.expansion != 60.0/25 {
		t.Errorf("expansion %v after a tiny chunk, want that of its records: %v", a.expansion, 60.0/25)
	}
}
