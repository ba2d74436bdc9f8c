package plugin

import (
	"slices"
	"testing"
)

// lineOf admits chunks of the lengths given to a buffer of 100 bytes in which
// a byte needs one byte of room, and returns them.
func lineOf(lengths ...int) (*buffer, []*Chunk) {
	b := &buffer{limit: 100, growth: 1}
	var chunks []*Chunk
	for _, n := range lengths {
		c := &Chunk{length: n}
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
	if used, line := b.load(); used != 100 || line != 0 {
		t.Errorf("%d bytes, %d in line, want 100 and 0", used, line)
	}
}

func TestBufferSettles(t *testing.T) {
	t.Parallel()
	b, c := lineOf(40, 40, 40)
	wantAdmitted(t, b, c, true, true, false)
	if !b.settle(c[0], 20) {
		t.Fatal("a chunk that needs less than expected must stay")
	}
	if b.settle(c[1], 90) {
		t.Fatal("a chunk that needs more than there is must wait")
	}
	wantAdmitted(t, b, c, true, false, false)
	if used, line := b.load(); used != 20 || line != 2 || b.line[0] != c[1] {
		t.Errorf("%d bytes, %d in line, want 20, and the chunk at the head of two", used, line)
	}
	b.leave(c[0])
	wantAdmitted(t, b, c, false, true, false)
	if !b.settle(c[1], 120) {
		t.Error("a chunk that is alone must stay, whatever it needs")
	}
	if b.growth != 3 {
		t.Errorf("growth %v, want what the last chunk showed: 3", b.growth)
	}
	b.correct(c[1], 50) // it was less in the end
	if used, _ := b.load(); used != 50 {
		t.Errorf("%d bytes, want the 50 that it takes", used)
	}
	b.leave(c[1])
	wantAdmitted(t, b, c, false, false, true)
	b.correct(c[1], 70) // it is gone
	if used, _ := b.load(); used != 40 {
		t.Errorf("%d bytes, want the 40 of the last", used)
	}
}
