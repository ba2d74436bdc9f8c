package encoder

// find returns the offset of the value that the steps lead to from the value at
// pos, or -1. If a map has a key twice, the last one counts, as in the record. A
// binary key is the same as a string.
func find(src []byte, pos int, steps []step) int {
	for _, st := range steps {
		if st.isIndex {
			pos = element(src, pos, st.index)
		} else {
			pos = member(src, pos, st.name)
		}
		if pos < 0 {
			return -1
		}
	}
	return pos
}

func member(src []byte, pos int, name string) int {
	n, pos, ok := mapHeader(src, pos)
	if !ok || pos < 0 {
		return -1
	}
	found := -1
	for range n {
		length, start, isString := stringHeader(src, pos, true)
		if pos = skip(src, pos); pos < 0 {
			return -1
		}
		if isString && string(src[start:start+length]) == name {
			found = pos
		}
		if pos = skip(src, pos); pos < 0 {
			return -1
		}
	}
	return found
}

func element(src []byte, pos, index int) int {
	n, pos, ok := arrayHeader(src, pos)
	if !ok || index >= n {
		return -1
	}
	for ; index > 0 && pos >= 0; index-- {
		pos = skip(src, pos)
	}
	return pos
}

// watch is a first-level field whose value an Encoder needs: of FormatRaw, or of a
// template.
type watch struct{ name string }

// rawWatch is the index in Encoder.watches of the field that is the whole record.
const rawWatch = 0

// maxWatches is how many fields FormatRaw and the two templates need at most.
const maxWatches = 1 + 2*maxAccessors

// addWatch returns the index of a field in Encoder.watches.
func (e *Encoder) addWatch(name string) int {
	e.watches = append(e.watches, watch{name})
	e.watchLens |= lengthBit(len(name))
	return len(e.watches) - 1
}

// lengthBit is the bit of Encoder.watchLens for names of n bytes.
func lengthBit(n int) uint64 { return 1 << min(n, 62) }

// reservesBit in Encoder.watchLens says that some first-level keys are reserved: one
// word is what the loop over the keys of a map asks.
const reservesBit = 1 << 63
