package encoder

import (
	"slices"
	"unsafe"
)

// appendObject appends the map of n entries at pos. depth is its level.
func (w *walker) appendObject(dst, src []byte, pos, n, depth int) ([]byte, int) {
	// An entry takes at least two bytes. The entries of the maps around this one
	// do too, so all of them together claim no more memory than the chunk can
	// justify.
	if n > (len(src)-pos)/2 || len(w.keys)+n > len(src)/2+addedFields {
		return dst, faultEnd
	}
	if depth > maxDepth {
		return dst, faultDepth
	}
	if w.cannotFit(dst, n) {
		return dst, faultTooLarge
	}
	ks := w.openKeys(n)
	dst = append(dst, '{')
	if n > wideMap {
		dst, pos = w.appendWideEntries(&ks, dst, src, pos, n, depth)
	} else {
		dst, pos = w.appendEntries(&ks, dst, src, pos, n, depth)
	}
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// cannotFit reports whether a map of n entries exceeds the limit whatever they
// are: the shortest entry is "":0 and a comma. The answer is needed before
// openKeys, which takes memory for all entries.
func (w *walker) cannotFit(dst []byte, n int) bool { return len(dst)+5*n > w.limit }

// appendEntries appends n entries of a map; depth is the level of the map. It
// does not check the limit, which would cost every record 2 to 4 % of its time:
// see appendWideEntries.
func (w *walker) appendEntries(ks *keySet, dst, src []byte, pos, n, depth int) ([]byte, int) {
	watchLens := w.enc.watchLens
	if depth > 1 {
		watchLens = 0
	}
	for range n {
		if ks.count > 0 {
			dst = append(dst, ',')
		}
		keyPos := pos
		if cap(dst)-len(dst) < 3*slack {
			dst = slices.Grow(dst, 3*slack)
		}
		if length, hash := writeShortKey(dst, src, pos); length > 0 && !(watchLens&reservesBit != 0 && src[pos+1] == '_' && w.enc.mayReserve(src[pos+2])) {
			start := len(dst)
			dst = dst[:start+length+3]
			if ks.add(start, length+2, hash) {
				w.dropEarlier(ks, dst)
			}
			pos += 1 + length
		} else if dst, pos = w.appendKey(ks, dst, src, pos, depth); pos < 0 {
			return dst, pos
		}
		if watchLens&^reservesBit != 0 {
			w.noteKey(src, keyPos, pos)
		}
		if length, from := shortStringHeader(src, pos); length >= 0 {
			if length > len(src)-from {
				return dst, faultEnd
			}
			dst, pos = appendString(dst, src, from, length), from+length
		} else {
			w.keyPos = keyPos
			if dst, pos = w.appendValue(dst, src, pos, depth+1); pos < 0 {
				return dst, pos
			}
		}
	}
	return dst, pos
}

// appendWideEntries is appendEntries for a wide map, and checks the limit after
// every wideMap entries. A map that is not wide is checked when it begins, and
// has few entries.
func (w *walker) appendWideEntries(ks *keySet, dst, src []byte, pos, n, depth int) ([]byte, int) {
	for n > 0 && pos >= 0 {
		if len(dst) > w.limit {
			return dst, faultTooLarge
		}
		some := min(n, wideMap)
		dst, pos = w.appendEntries(ks, dst, src, pos, some, depth)
		n -= some
	}
	return dst, pos
}

// shortStringHeader reads the header of a string of less than 256 bytes at pos:
// the length and the offset of the first byte. The length is -1 if the value is
// something else. It is small, so that it is inlined.
func shortStringHeader(src []byte, pos int) (length, from int) {
	if pos+1 < len(src) {
		if c := src[pos]; c&0xe0 == 0xa0 {
			return int(c & 0x1f), pos + 1
		} else if c == mpStr8 {
			return int(src[pos+1]), pos + 2
		}
	}
	return -1, pos
}

// writeShortKey writes the key at pos and its colon behind dst, if the key is
// what most keys are: a string of 1 to 16 bytes of ASCII with nothing to escape.
// It returns the length of the key, which is 0 for any other key, and its hash.
// The caller must leave 3*slack bytes of room.
func writeShortKey(dst, src []byte, pos int) (int, uint64) {
	if pos+17 > len(src) {
		return 0, 0
	}
	n := int(src[pos] ^ 0xa0)
	if n > 16 {
		return 0, 0
	}
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), pos+1)
	q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), len(dst))
	head, tail := load(p, 0), uint64(0)
	if n >= 8 {
		tail = load(p, n-8)
		if (stopBits(head)|stopBits(tail))&highBits != 0 {
			return 0, 0
		}
		store(q, 1, head)
		store(q, n-7, tail)
	} else {
		mask := uint64(1)<<(8*uint(n)&63) - 1
		if stopBits(head)&highBits&mask != 0 {
			return 0, 0
		}
		store(q, 1, head)
		head &= mask
	}
	*(*byte)(q) = '"'
	*(*byte)(unsafe.Add(q, n+1)) = '"'
	*(*byte)(unsafe.Add(q, n+2)) = ':'
	return n, mixKey(head, tail, n)
}

// appendKey appends the key at pos and its colon, and adds the key to ks. A key
// that is not a string becomes a string that contains its JSON text.
func (w *walker) appendKey(ks *keySet, dst, src []byte, pos, depth int) ([]byte, int) {
	start := len(dst)
	if n, from, ok := stringHeader(src, pos, false); ok {
		if len(dst)+n > w.limit {
			return dst, faultTooLarge
		}
		dst, pos = appendString(dst, src, from, n), from+n
	} else if dst, pos = w.appendOtherKey(dst, src, pos, depth); pos < 0 {
		return dst, pos
	}
	drop := false
	if depth == 1 && w.enc.reserves {
		dst, drop = w.reserveKey(dst, start)
	}
	w.addKey(ks, dst, start)
	if drop {
		ks.keys[ks.count-1].length, ks.hasDropped = dropped, true
	}
	return append(dst, ':'), pos
}

// appendOtherKey appends a key that is not a string. A map or an array is a fault
// within a key that is one itself: the JSON text of the inner key would be
// escaped once more for each key around it, which doubles its backslashes, so n
// levels in 2n bytes would become 2^n bytes. An ext, whose text has quotes too, is a
// fault there as well.
func (w *walker) appendOtherKey(dst, src []byte, pos, depth int) ([]byte, int) {
	start, outer, longest := len(dst), w.inKey, w.longest
	if isContainer(src, pos) || isExt(src, pos) {
		if w.inKey {
			return dst, faultNestedKey
		}
		w.inKey = true
	}
	w.longest = noLimit // truncate does not cut keys
	w.keyPos = -1
	dst, pos = w.appendValue(dst, src, pos, depth+1)
	w.inKey, w.longest = outer, longest
	if pos >= 0 && dst[start] != '"' {
		w.scratch = append(w.scratch[:0], dst[start:]...)
		dst = appendString(dst[:start], w.scratch, 0, len(w.scratch))
	}
	return dst, pos
}
