package sim

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync"

	"out_sls_kafka/test/simdisk"
)

// entryKey is what a chunk is known by in the spool: checksum and length.
type entryKey struct {
	sum    uint32
	length int
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func keyOf(tag string, data []byte) entryKey {
	return entryKey{crc32.Update(crc32.Checksum([]byte(tag), castagnoli), castagnoli, data), len(data)}
}

// shelf finds out what is in the spool, by its files alone.
type shelf struct {
	mu    sync.Mutex
	files map[int]*shelfFile // by how many were made before
}

type shelfFile struct {
	read    int // bytes that were looked through
	entries []shelfEntry
}

type shelfEntry struct {
	key    entryKey
	at     int
	length int
}

// stock is what is in the spool, entries by their chunks.
type stock struct {
	safe     map[entryKey]int // that are not done, whatever a power cut does
	undone   map[entryKey]int // that are not done
	possible map[entryKey]int // that a power cut may leave, done or not
	files    int
	bytes    int64
	chunks   int // entries that are not done
}

// look reads what is new in the files, and returns what is in all of them.
func (s *shelf) look(disk *simdisk.Disk) stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := stock{safe: make(map[entryKey]int), undone: make(map[entryKey]int), possible: make(map[entryKey]int)}
	files := make(map[int]*shelfFile)
	disk.Each(func(c simdisk.Content) {
		if !strings.HasSuffix(c.Name, ".spool") {
			return
		}
		f := s.files[c.Made]
		if f == nil {
			f = &shelfFile{read: segmentHeader}
		}
		files[c.Made] = f
		f.readOn(c.Now)
		f.count(&c, &n)
	})
	s.files = files
	return n
}

// The format of the files: see docs/design.md.
const (
	segmentHeader  = 16
	entryHeader    = 32
	offsetOfStatus = 28
)

var entryMagic = []byte("ENTY")

func (f *shelfFile) readOn(b []byte) {
	for f.read+entryHeader <= len(b) {
		key, length, ok := readEntry(b[f.read:])
		if ok {
			f.entries = append(f.entries, shelfEntry{key, f.read, length})
			f.read += length
			continue
		}
		// What a crash left, or what is not complete yet.
		i := bytes.Index(b[f.read+1:], entryMagic)
		if i < 0 {
			return
		}
		f.read += 1 + i
	}
}

func readEntry(b []byte) (key entryKey, length int, ok bool) {
	key = entryKey{binary.LittleEndian.Uint32(b[8:]), int(binary.LittleEndian.Uint32(b[12:]))}
	length = entryHeader + int(binary.LittleEndian.Uint16(b[24:])) + key.length
	ok = bytes.HasPrefix(b, entryMagic) && length <= len(b) &&
		crc32.Checksum(b[8:offsetOfStatus], castagnoli) == binary.LittleEndian.Uint32(b[4:]) &&
		crc32.Checksum(b[entryHeader:length], castagnoli) == key.sum
	return key, length, ok
}

func (f *shelfFile) count(c *simdisk.Content, n *stock) {
	if !c.Removed {
		n.files++
		n.bytes += int64(len(c.Now))
	}
	for _, e := range f.entries {
		if e.at+e.length > len(c.Now) {
			continue // it was cut off
		}
		n.possible[e.key]++
		if c.Removed || c.Now[e.at+offsetOfStatus] != 0 {
			continue
		}
		n.undone[e.key]++
		n.chunks++
		if e.at+e.length <= len(c.Durable) && c.Durable[e.at+offsetOfStatus] == 0 {
			n.safe[e.key]++
		}
	}
}
