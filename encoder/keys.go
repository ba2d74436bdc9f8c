package encoder

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
	"unsafe"
)

// key is a key of a map that is being written. Keys are compared in their written
// form, since two different ones in msgpack (1 and "1", two kinds of broken
// UTF-8) can be the same in JSON.
type key struct {
	start  int    // offset in dst of the opening quote, where the entry begins
	length int32  // bytes of the key with its quotes; dropped: a later entry has the same key
	hash   uint32 // of the key
}

// dropped is the length of a key whose entry compact removes.
const dropped = -1

// keySet finds the keys that one map has twice. For up to wideMap keys, a filter
// of 64 bits in one word shows that a key is new; if it does not, a scan of the
// few keys before it decides. A wider map has a hash table. An ordinary map
// therefore costs one store a key, and no map costs the square of its width.
type keySet struct {
	keys       []key  // for the keys of this map, a part of walker.keys
	count      int    // how many keys are in use
	seen       uint64 // filter of their hashes
	hasDropped bool   // an entry was dropped: compact must run
	guarded    bool   // keys that Encoder.guards has are dropped: they are the record's own

	table []int32 // of a wide map: 1 + the index of a key, 0: free; a part of walker.tables
}

// wideMap is the largest number of keys of a map that has no hash table.
const wideMap = 48

// openKeys begins a map of at most n entries; closeKeys ends it. Maps within each
// other are stacked in walker.keys. w.keys may be reallocated while a map is
// open. The map then keeps its slice of the old array; no other map uses that
// part.
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
		ks.seen = ^uint64(0) // always "maybe": the table decides
	}
	return ks
}

// closeKeys ends the map and removes the dropped entries. The last entry must end
// where dst ends.
func (w *walker) closeKeys(ks *keySet, dst []byte) []byte {
	w.keys = w.keys[:len(w.keys)-len(ks.keys)]
	w.tables = w.tables[:len(w.tables)-len(ks.table)]
	if ks.hasDropped {
		dst = compact(dst, ks.keys[:ks.count])
	}
	return dst
}

// addKey adds the key that begins at start and ends where dst ends, and drops an
// earlier entry of the same key.
func (w *walker) addKey(ks *keySet, dst []byte, start int) {
	if ks.add(start, len(dst)-start, keyHash(dst[start+1:len(dst)-1])) {
		w.dropEarlier(ks, dst)
	}
}

// add adds the key of length bytes, with the quotes, at start of the output. If
// it returns true, the map may have the key already, and the caller must call
// dropEarlier. It is small, so that it is inlined.
func (ks *keySet) add(start, length int, hash uint64) bool {
	bit := hashBit(hash)
	maybeSeen := ks.seen & bit
	ks.seen |= bit
	ks.keys[ks.count] = key{start, int32(length), uint32(hash)}
	ks.count++
	return maybeSeen != 0
}

// hashBit is the bit of keySet.seen for a hash.
func hashBit(hash uint64) uint64 { return 1 << (hash >> 58) }

// keyHash hashes the key without its quotes.
func keyHash(text []byte) uint64 {
	p, n := unsafe.Pointer(unsafe.SliceData(text)), len(text)
	if n < 8 {
		return mixKey(loadPartial(text), 0, n)
	}
	return mixKey(load(p, 0), load(p, n-8), n)
}

// mixKey hashes a key by its first 8 bytes, its last 8, and its length. A key of
// less than 8 bytes is given as the whole key and 0. Keys that agree in these
// collide, which costs at most a scan of wideMap keys.
func mixKey(head, tail uint64, n int) uint64 {
	return (head ^ bits.RotateLeft64(tail, 29) ^ uint64(n)) * 0x9e3779b97f4a7c15
}

// dropEarlier drops the earlier entry that has the key added last, or the last one
// itself if its key is guarded.
func (w *walker) dropEarlier(ks *keySet, dst []byte) {
	k := &ks.keys[ks.count-1]
	if ks.guarded && w.enc.isGuarded(dst, k) {
		w.overridden.note(dst[k.start+1 : k.start+int(k.length)-1])
		k.length, ks.hasDropped = dropped, true
		return
	}
	if ks.table != nil {
		w.dropEarlierWide(ks, dst, k)
		return
	}
	for i := range ks.keys[:ks.count-1] {
		if earlier := &ks.keys[i]; earlier.hash == k.hash && sameKey(dst, earlier, k) {
			earlier.length, ks.hasDropped = dropped, true
		}
	}
}

// dropEarlierWide looks k up in the table and inserts it. The hash is seeded,
// since the sender of a record may choose keys that collide.
func (w *walker) dropEarlierWide(ks *keySet, dst []byte, k *key) {
	k.hash = uint32(maphash.Bytes(w.seed, dst[k.start:k.start+int(k.length)]))
	mask := uint32(len(ks.table) - 1)
	for slot := k.hash & mask; ; slot = (slot + 1) & mask {
		if entry := ks.table[slot]; entry != 0 {
			earlier := &ks.keys[entry-1]
			if earlier.hash != k.hash || !sameKey(dst, earlier, k) {
				continue
			}
			earlier.length, ks.hasDropped = dropped, true
		}
		ks.table[slot] = int32(ks.count)
		return
	}
}

func sameKey(dst []byte, a, b *key) bool {
	return a.length == b.length &&
		bytes.Equal(dst[a.start:a.start+int(a.length)], dst[b.start:b.start+int(b.length)])
}

// compact removes the dropped entries.
func compact(dst []byte, keys []key) []byte {
	first := keys[0].start
	end := first
	for i, k := range keys {
		if k.length == dropped {
			continue
		}
		next := len(dst) + 1
		if i+1 < len(keys) {
			next = keys[i+1].start
		}
		if end > first {
			dst[end] = ','
			end++
		}
		end += copy(dst[end:], dst[k.start:next-1])
	}
	return dst[:end]
}
