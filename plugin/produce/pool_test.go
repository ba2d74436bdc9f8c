package produce

import (
	"testing"
	"time"
)

func TestPool(t *testing.T) {
	s := pool{largest: 1000 << 10}
	if got := cap(s.take(600 << 10)); got != s.largest {
		t.Errorf("a piece of %d bytes, want no more than %d, which is a full batch", got, s.largest)
	}
	large, small := s.take(4<<20), s.take(100)
	if cap(large) < 4<<20 || cap(small) < 100 || cap(small) > 4096 {
		t.Fatalf("pieces of %d and %d bytes", cap(large), cap(small))
	}
	s.put(append(large, 1)[:1])
	s.put(small)
	if got := s.take(100); cap(got) != cap(small) || len(got) != 0 {
		t.Errorf("%d of %d bytes: a small piece was not kept, or not emptied", len(got), cap(got))
	}
	if s.kept != cap(large) {
		t.Errorf("%d bytes kept, want %d", s.kept, cap(large))
	}
	if got := s.take(3 << 20); cap(got) != cap(large) || s.kept != 0 {
		t.Error("a large piece was not kept")
	}
	s.put(large)
	s.tick(time.Now())
	if s.kept == 0 {
		t.Error("nothing is kept for a moment")
	}
	s.tick(time.Now().Add(2 * idleMemory))
	if s.kept != 0 || len(s.free[22]) != 0 {
		t.Error("an idle piece is kept for good")
	}
	s.put(make([]byte, 0, keptMemory+1))
	if s.kept != 0 {
		t.Error("more than keptMemory is kept")
	}
}
