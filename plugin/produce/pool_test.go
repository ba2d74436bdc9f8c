package produce

import (
	"testing"
	"time"
)

func TestPool(t *testing.T) {
	p := pool{batchBytes: 1000 << 10}
	if got := cap(p.get(600 << 10)); got != p.batchBytes {
		t.Errorf("a buffer of %d bytes, want no more than %d, which is a full batch", got, p.batchBytes)
	}
	large, small := p.get(4<<20), p.get(100)
	if cap(large) < 4<<20 || cap(small) < 100 || cap(small) > 4096 {
		t.Fatalf("buffers of %d and %d bytes", cap(large), cap(small))
	}
	p.put(append(large, 1)[:1])
	p.put(small)
	if got := p.get(100); cap(got) != cap(small) || len(got) != 0 {
		t.Errorf("%d of %d bytes: a small buffer was not kept, or not emptied", len(got), cap(got))
	}
	if p.heldBytes != cap(large) {
		t.Errorf("%d bytes kept, want %d", p.heldBytes, cap(large))
	}
	if got := p.get(3 << 20); cap(got) != cap(large) || p.heldBytes != 0 {
		t.Error("a large buffer was not kept")
	}
	p.put(large)
	p.tick(time.Now())
	if p.heldBytes == 0 {
		t.Error("nothing is kept for a moment")
	}
	p.tick(time.Now().Add(2 * poolIdleTimeout))
	if p.heldBytes != 0 || len(p.freeList[22]) != 0 {
		t.Error("an idle buffer is kept")
	}
	p.put(make([]byte, 0, poolMaxBytes+1))
	if p.heldBytes != 0 {
		t.Error("more than keptMemory is kept")
	}
}
