package encoder

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
	"unsafe"
)

// A key is an entry of a map being written. Keys are compared as they are
// written, since two different ones in msgpack (1 and "1", two kinds of broken
// UTF-8) can be the same in JSON.
type key struct {
	start  int    // offset in dst of the entry, which is the opening quote of its key
	length int32  // bytes of the key with its quotes; dropped: a later entry has the same key
	hash   uint32 // of the key
}

const dropped = -1

// keySet finds the keys of one map that stand there twice. Up to wideMap of
// them, a filter of 64 bits in a word says that a key is new, and a scan of
// the few before it decides where the filter does not; a wider map has a hash
// table. So the usual map costs one store a key, and no map of any width the
// square of it.
type keySet struct {
	keys         []key  // room for the keys of this map, in walker.keys
	count        int    // how many there are
	seen         uint64 // filter of their hashes
	hasDuplicate bool   // one came a second time: compact must run

	table []int32 // of a wide map: 1 + the index of a key, 0 is free, in walker.tables
}

const wideMap = 48

// openKeys begins a map of at most n entries; closeKeys ends it. Maps within
// each other stack up in walker.keys. Should that move while a map is open,
// the map keeps its part of the old memory, which nobody else looks at.
func (w *walker) openKeys(n int) (ks keySet) {
	first := len(w.keys)
	if first+n > cap(w.keys) {
		w.keys = slices.Grow(w.keys, n)
	}
	w.keys = w.keys[:first+n]
	ks.keys = w.keys[first:]
	if n > wideMap {
		first, slots := len(w.tables), 1<<bits.Len(uint(2*n))
		w.tables = slices.Grow(w.tables, slots)[:first+slots]
		ks.table = w.tables[first:]
		clear(ks.table)
		ks.seen = ^uint64(0) // ask the table every time
	}
	return ks
}

// closeKeys ends the map, whose last entry ends at the end of dst, and takes
// the dropped entries out.
func (w *walker) closeKeys(ks *keySet, dst []byte) []byte {
	w.keys = w.keys[:len(w.keys)-len(ks.keys)]
	w.tables = w.tables[:len(w.tables)-len(ks.table)]
	if ks.hasDuplicate {
		dst = compact(dst, ks.keys[:ks.count])
	}
	return dst
}

// addKey notes the key at the end of dst, which begins at start.
func (w *walker) addKey(ks *keySet, dst []byte, start int) {
	if ks.add(start, len(dst)-start, keyHash(dst[start+1:len(dst)-1])) {
		w.dropEarlier(ks, dst)
	}
}

// add notes the key of length bytes, with the quotes, at start of the output.
// Where it returns true the key may have been there before, and the caller
// calls dropEarlier. It is small to be inlined.
func (ks *keySet) add(start, length int, hash uint64) bool {
	bit := uint64(1) << (hash >> 58)
	maybeSeen := ks.seen & bit
	ks.seen |= bit
	ks.keys[ks.count] = key{start, int32(length), uint32(hash)}
	ks.count++
	return maybeSeen != 0
}

// keyHash hashes the key without its quotes.
func keyHash(text []byte) uint64 {
	p, n := unsafe.Pointer(unsafe.SliceData(text)), len(text)
	if n < 8 {
		return mixKey(loadPartial(text), 0, n)
	}
	return mixKey(load(p, 0), load(p, n-8), n)
}

// mixKey makes a hash of the first 8 bytes of a key, its last 8, and its
// length; of one shorter than 8 they are the whole and 0. Keys that agree in
// these collide, which costs at most a scan of wideMap keys.
func mixKey(head, tail uint64, n int) uint64 {
	return (head ^ bits.RotateLeft64(tail, 29) ^ uint64(n)) * 0x9e3779b97f4a7c15
}

// dropEarlier marks the earlier entry with the key added last as dropped.
func (w *walker) dropEarlier(ks *keySet, dst []byte) {
	k := &ks.keys[ks.count-1]
	if ks.table != nil {
		w.dropEarlierWide(ks, dst, k)
		return
	}
	for i := range ks.keys[:ks.count-1] {
		if earlier := &ks.keys[i]; earlier.hash == k.hash && sameKey(dst, earlier, k) {
			earlier.length, ks.hasDuplicate = dropped, true
		}
	}
}

// dropEarlierWide looks k up in the table and enters it. Its hash is seeded: the
// keys may come from someone who wants them to collide.
func (w *walker) dropEarlierWide(ks *keySet, dst []byte, k *key) {
	k.hash = uint32(maphash.Bytes(w.seed, dst[k.start:k.start+int(k.length)]))
	mask := uint32(len(ks.table) - 1)
	for slot := k.hash & mask; ; slot = (slot + 1) & mask {
		if entry := ks.table[slot]; entry != 0 {
			earlier := &ks.keys[entry-1]
			if earlier.hash != k.hash || !sameKey(dst, earlier, k) {
				continue
			}
			earlier.length, ks.hasDuplicate = dropped, true
		}
		ks.table[slot] = int32(ks.count)
		return
	}
}

func sameKey(dst []byte, a, b *key) bool {
	return a.length == b.length &&
		bytes.Equal(dst[a.start:a.start+int(a.length)], dst[b.start:b.start+int(b.length)])
}

// compact moves the entries that are not dropped together. The last one never is.
func compact(dst []byte, keys []key) []byte {
	end := keys[0].start
	for i, k := range keys {
		if k.length == dropped {
			continue
		}
		next := len(dst) + 1
		if i+1 < len(keys) {
			next = keys[i+1].start
		}
		end += copy(dst[end:], dst[k.start:next-1])
		if i+1 < len(keys) {
			dst[end] = ','
			end++
		}
	}
	return dst[:end]
}
