package plugin

import (
	"slices"
	"sync"
)

// buffer is the room for chunks in flight. A chunk that finds none waits in
// line, unencoded, its bytes still with Fluent Bit.
type buffer struct {
	mu    sync.Mutex
	limit int64 // bytes
	used  int64
	line  []*Chunk
	// growth is how many bytes in flight one byte of the last chunk became; it
	// foretells what a chunk will need before it is encoded.
	growth float64
}

// firstGrowth is assumed until a chunk has been seen: records of some hundred
// bytes. Smaller records grow more, for each has a fixed cost.
const firstGrowth = 3

// enter gives c the room it is likely to need, or a place in line. A chunk
// larger than the whole limit enters when it would be alone.
func (b *buffer) enter(c *Chunk) (admitted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.room = int64(float64(c.length) * b.growth)
	if len(b.line) == 0 && b.fits(c.room) {
		b.used += c.room
		c.admitted = true
		return true
	}
	b.line = append(b.line, c)
	return false
}

func (b *buffer) fits(room int64) bool { return b.used == 0 || b.used+room <= b.limit }

// admittedNow tells whether c has come to the head of the line.
func (b *buffer) admittedNow(c *Chunk) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.admitted
}

// settle replaces the estimate of enter by a better one, made of the first
// records. Where that is too much beside the other chunks it returns false: c
// stands at the head of the line again, now with the better number, and must
// give its memory back.
func (b *buffer) settle(c *Chunk, room int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.length > 0 {
		b.growth = max(1, float64(room)/float64(c.length))
	}
	b.used -= c.room
	grown := room > c.room
	c.room = room
	if grown && !b.fits(room) {
		c.admitted = false
		b.line = slices.Insert(b.line, 0, c)
		return false
	}
	b.used += room
	return true
}

// correct replaces the estimate of settle by what c really takes. Chunks whose
// later records grow more than their first ones may so exceed the limit.
func (b *buffer) correct(c *Chunk, room int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.admitted {
		b.used += room - c.room
		c.room = room
	}
}

// leave gives the room back and wakes those in line who now fit. A chunk that
// still stood in line leaves it.
func (b *buffer) leave(c *Chunk) {
	b.mu.Lock()
	if c.admitted {
		b.used -= c.room
		c.admitted = false
	} else {
		if i := slices.Index(b.line, c); i >= 0 {
			b.line = slices.Delete(b.line, i, i+1)
		}
	}
	var woken []*Chunk
	for len(b.line) > 0 && b.fits(b.line[0].room) {
		next := b.line[0]
		b.line[0] = nil
		b.line = b.line[1:]
		b.used += next.room
		next.admitted = true
		woken = append(woken, next)
	}
	b.mu.Unlock()
	for _, next := range woken {
		next.wake()
	}
}

// load is the bytes in flight and the chunks in line.
func (b *buffer) load() (used int64, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, len(b.line)
}
