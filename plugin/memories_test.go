package plugin

import (
	"testing"
	"time"
)

func TestMemories(t *testing.T) {
	var s memories
	large := s.take(4 << 20)
	large.values = large.grown(4 << 20)
	small := s.take(1 << 10)
	small.values = small.grown(1 << 10)
	s.put(large)
	s.put(small)
	if got := s.take(1 << 10); got != small {
		t.Error("a small chunk did not get the small piece")
	}
	if got := s.take(1 << 10); got == large {
		t.Error("a small chunk sits on a large piece")
	}
	if got := s.take(5 << 20); got != large {
		t.Error("a large chunk did not get the large piece")
	}
	s.put(large)
	s.tick(time.Now())
	if s.kept != large.size() {
		t.Errorf("%d bytes kept, want %d", s.kept, large.size())
	}
	s.tick(time.Now().Add(2 * idleMemory))
	if s.kept != 0 || s.take(5<<20) == large {
		t.Error("an idle piece is kept for good")
	}
	huge := &memory{values: make([]byte, 0, keptMemory+1)}
	s.put(huge)
	if s.kept != 0 {
		t.Error("more than keptMemory is kept")
	}
}
