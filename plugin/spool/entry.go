package spool

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// Version is that of the format, in the header of each segment.
const Version = 1

const (
	magic          = "slsspool"
	segmentHeader  = 16 // magic, version, checksum of both
	entryHeader    = 32
	entryMagic     = 0x59544e45 // "ENTY"
	offsetOfStatus = 28
	offsetOfSynced = 29
)

// What a header says of the batch that the entry was written with. 0: it is of a version that
// did not say it.
const (
	placeKnown = 1 << iota
	placeFirst
	placeLast
)

var (
	order      = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// appendHeaderOf appends what a segment of a version begins with.
func appendHeaderOf(dst []byte, version uint32) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = order.AppendUint32(dst, version)
	return order.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// header is the header of an entry. The bytes of its tag and its chunk follow it.
type header struct {
	sum    uint32 // of tag and chunk
	length uint32 // of the chunk
	tag    uint16 // length
	millis int64  // when Fluent Bit gave the chunk, since 1970
	place  uint16
	// synced is written to the last entry of a batch when the batch is durable, and done when
	// the entry is done: the checksum covers neither.
	synced bool
	done   bool
}

// size is that of the whole entry, in bytes.
func (h *header) size() int64 { return entryHeader + int64(h.tag) + int64(h.length) }

func (h *header) put(b []byte) {
	order.PutUint32(b[0:], entryMagic)
	order.PutUint32(b[8:], h.sum)
	order.PutUint32(b[12:], h.length)
	order.PutUint64(b[16:], uint64(h.millis))
	order.PutUint16(b[24:], h.tag)
	order.PutUint16(b[26:], h.place)
	order.PutUint32(b[28:], 0)
	order.PutUint32(b[4:], crc32.Checksum(b[8:offsetOfStatus], castagnoli))
}

// parse reads a header. It returns false if b does not begin with one.
func (h *header) parse(b []byte) bool {
	if len(b) < entryHeader || order.Uint32(b) != entryMagic ||
		order.Uint32(b[4:]) != crc32.Checksum(b[8:offsetOfStatus], castagnoli) {
		return false
	}
	*h = header{sum: order.Uint32(b[8:]), length: order.Uint32(b[12:]), millis: int64(order.Uint64(b[16:])),
		tag: order.Uint16(b[24:]), place: order.Uint16(b[26:]), synced: b[offsetOfSynced] != 0, done: b[offsetOfStatus] != 0}
	return true
}

// Batch is entries that are stored together. The zero Batch is empty.
type Batch struct {
	bytes   []byte
	offsets []int // of the entries in bytes
}

// Add copies a chunk that Fluent Bit gave with a tag.
func (b *Batch) Add(tag string, given time.Time, chunk []byte) {
	tag = tag[:min(len(tag), math.MaxUint16)]
	h := header{length: uint32(len(chunk)), tag: uint16(len(tag)), millis: given.UnixMilli(), place: placeKnown}
	start := len(b.bytes)
	b.offsets = append(b.offsets, start)
	b.bytes = append(b.bytes, make([]byte, entryHeader)...)
	b.bytes = append(b.bytes, tag...)
	b.bytes = append(b.bytes, chunk...)
	h.sum = crc32.Checksum(b.bytes[start+entryHeader:], castagnoli)
	h.put(b.bytes[start:])
}

// seal has the first entry and the last one say that they are.
func (b *Batch) seal() {
	if len(b.offsets) > 0 {
		b.addPlace(0, placeFirst)
		b.addPlace(len(b.offsets)-1, placeLast)
	}
}

func (b *Batch) addPlace(entry int, place uint16) {
	at := b.bytes[b.offsets[entry]:]
	var h header
	h.parse(at)
	h.place |= place
	h.put(at)
}

// SizeOf is what an entry takes on disk, in bytes.
func SizeOf(tag string, chunk int) int {
	return entryHeader + min(len(tag), math.MaxUint16) + chunk
}

// Len is the number of entries.
func (b *Batch) Len() int { return len(b.offsets) }

// Size is what they take on disk, in bytes.
func (b *Batch) Size() int { return len(b.bytes) }

// Reset empties the batch. Its memory is kept if it is not more than keep bytes.
func (b *Batch) Reset(keep int) {
	b.bytes, b.offsets = b.bytes[:0], b.offsets[:0]
	if cap(b.bytes) > keep {
		b.bytes = nil
	}
}
