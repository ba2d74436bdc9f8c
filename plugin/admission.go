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
	// growth is how many bytes the records of the last chunk took for one byte of
	// its msgpack. It foretells what a chunk will need before it is encoded.
	growth float64
}

// firstGrowth is assumed until a chunk has been seen: records of some hundred
// bytes. Smaller records grow more, for each has a fixed cost.
const firstGrowth = 3

// enter gives c the room it is likely to need, or a place in line. A chunk
// that turns out to be larger than the whole limit enters when it would be alone.
func (b *buffer) enter(c *Chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.room = b.estimate(c.length)
	if len(b.line) == 0 && b.fits(c.room) {
		b.admit(c)
		return
	}
	b.line = append(b.line, c)
}

// estimate is the room that a chunk of that length is likely to need. It is
// clamped, for the chunks before may have been of another kind: settle corrects
// an estimate that is too low, but a chunk whose estimate is too high might wait
// for an empty buffer that never comes.
func (b *buffer) estimate(length int) int64 {
	likely := chunkRoom + int64(float64(length)*b.growth)
	return min(likely, max(int64(length), b.limit/4))
}

func (b *buffer) fits(room int64) bool { return b.used == 0 || b.used+room <= b.limit }

func (b *buffer) admit(c *Chunk) {
	b.used += c.room
	c.admitted = true
}

// admitLocked gives room to the chunks at the head of the line that fit, and
// returns them. It must follow whatever makes room.
func (b *buffer) admitLocked() (admitted []*Chunk) {
	for len(b.line) > 0 && b.fits(b.line[0].room) {
		next := b.line[0]
		b.line[0] = nil
		b.line = b.line[1:]
		b.admit(next)
		admitted = append(admitted, next)
	}
	return admitted
}

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
	fits, admitted := b.resettle(c, room)
	wake(admitted)
	return fits
}

func (b *buffer) resettle(c *Chunk, room int64) (fits bool, admitted []*Chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.length > 0 {
		b.growth = max(1, float64(room-chunkRoom)/float64(c.length))
	}
	b.used -= c.room
	grown := room > c.room
	c.room = room
	if grown && !b.fits(room) {
		c.admitted = false
		b.line = slices.Insert(b.line, 0, c)
		return false, nil
	}
	b.used += room
	return true, b.admitLocked()
}

// correct replaces the estimate of settle by what c really takes. Chunks whose
// later records grow more than their first ones may so exceed the limit.
func (b *buffer) correct(c *Chunk, room int64) { wake(b.recount(c, room)) }

func (b *buffer) recount(c *Chunk, room int64) (admitted []*Chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.admitted {
		b.used += room - c.room
		c.room = room
	}
	return b.admitLocked()
}

// leave gives the room back and wakes those in line who now fit. A chunk that
// still stood in line leaves it.
func (b *buffer) leave(c *Chunk) { wake(b.release(c)) }

func (b *buffer) release(c *Chunk) (admitted []*Chunk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.admitted {
		b.used -= c.room
		c.admitted = false
	} else if i := slices.Index(b.line, c); i >= 0 {
		b.line = slices.Delete(b.line, i, i+1)
	}
	return b.admitLocked()
}

// wake wakes chunks that were given room. A waker may take locks of its own, so
// no lock of the buffer may be held.
func wake(admitted []*Chunk) {
	for _, c := range admitted {
		c.wake()
	}
}

// load is the bytes in flight and the chunks in line.
func (b *buffer) load() (used int64, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, len(b.line)
}
