package encoder

// wrapKey is the field that contains a record that is not a map, as in Fluent
// Bit's OpenTelemetry input.
const wrapKey = "log"

// appendRecord appends the event as a JSON object: the added fields, then the
// entries of its map. An entry with the name of TimeKey comes later and therefore
// replaces it, as the last one of two always does; the other added keys are guarded.
func (w *walker) appendRecord(dst, src []byte, ev event) ([]byte, int) {
	n, pos, isMap := mapHeader(src, ev.record)
	if pos < 0 {
		return dst, pos
	}
	if !isMap {
		return w.appendWrapped(dst, src, ev)
	}
	if w.cannotFit(dst, n) {
		return dst, faultTooLarge
	}
	ks := w.openKeys(n + addedFields)
	dst = append(dst, '{')
	if w.enc.addsFields {
		var fault int
		if dst, fault = w.appendAddedFields(&ks, dst, src, ev); fault < 0 {
			return dst, fault
		}
		w.enc.guardKeys(&ks)
	}
	if n > wideMap {
		dst, pos = w.appendWideEntries(&ks, dst, src, pos, n, 1)
	} else {
		dst, pos = w.appendEntries(&ks, dst, src, pos, n, 1)
	}
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// appendWrapped appends an event whose record is not a map.
func (w *walker) appendWrapped(dst, src []byte, ev event) ([]byte, int) {
	w.noteWrapped(ev)
	dst = append(dst, '{')
	ks := w.openKeys(1 + addedFields)
	dst, pos := w.appendAddedFields(&ks, dst, src, ev)
	if pos < 0 {
		return dst, pos
	}
	w.enc.guardKeys(&ks)
	if ks.count > 0 {
		dst = append(dst, ',')
	}
	start := len(dst)
	dst = appendString(dst, []byte(wrapKey), 0, len(wrapKey))
	w.addKey(&ks, dst, start)
	dst, pos = w.appendValue(append(dst, ':'), src, ev.record, 2)
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// addedFields is the largest number of fields that appendAddedFields adds.
const addedFields = 5

// appendAddedFields appends the fields that are not part of the record itself,
// with a comma between them. The second result is a fault or 0.
func (w *walker) appendAddedFields(ks *keySet, dst, src []byte, ev event) ([]byte, int) {
	e := w.enc
	if e.timeKey.wanted() {
		dst = w.appendAddedKey(ks, dst, &e.timeKey)
		dst = w.appendTime(dst, ev.sec, ev.nsec, e.opts.TimeFormat)
	}
	if e.recordIDKey.wanted() {
		dst = w.id.appendRecordID(w.appendAddedKey(ks, dst, &e.recordIDKey), w.place)
	}
	if e.tagKey.wanted() {
		if len(dst)+len(w.tagJSON) > w.limit {
			return dst, faultTooLarge
		}
		dst = append(w.appendAddedKey(ks, dst, &e.tagKey), w.tagJSON...)
	}
	if e.metadataKey.wanted() && hasMetadata(src, ev.metadata) {
		var pos int
		if dst, pos = w.appendMetadata(w.appendAddedKey(ks, dst, &e.metadataKey), src, ev.metadata); pos < 0 {
			return dst, pos
		}
		w.keyPos = -1 // a record that is not a map has no key of the metadata
	}
	if e.groupKey.wanted() && len(w.groupJSON) > 0 {
		if len(dst)+len(w.groupJSON) > w.limit {
			return dst, faultTooLarge
		}
		dst = append(w.appendAddedKey(ks, dst, &e.groupKey), w.groupJSON...)
	}
	return dst, 0
}

// isNilOrEmpty reports whether the value at pos is nil, or a map or an array
// without contents.
func isNilOrEmpty(src []byte, pos int) bool {
	entries, _, isMap := mapHeader(src, pos)
	elements, _, isArray := arrayHeader(src, pos)
	return src[pos] == mpNil || isMap && entries == 0 || isArray && elements == 0
}

// addedKey is the key of an added field. json has its quotes and its colon; it is
// nil if the field is not wanted.
type addedKey struct {
	json []byte
	hash uint64
}

func newAddedKey(name string) addedKey {
	if name == "" {
		return addedKey{}
	}
	text := appendString(nil, []byte(name), 0, len(name))
	return addedKey{append(text, ':'), keyHash(text[1 : len(text)-1])}
}

func (k *addedKey) wanted() bool { return k.json != nil }

// appendAddedKey appends the key of an added field, with a comma in front of it
// if it is not the first.
func (w *walker) appendAddedKey(ks *keySet, dst []byte, k *addedKey) []byte {
	if ks.count > 0 {
		dst = append(dst, ',')
	}
	start := len(dst)
	dst = append(dst, k.json...)
	if ks.add(start, len(k.json)-1, k.hash) {
		w.dropEarlier(ks, dst)
	}
	return dst
}

// findWatched finds the watched fields of the record without writing it. It
// returns the offset behind the record, or a fault.
func (w *walker) findWatched(src []byte, ev event) int {
	n, pos, isMap := mapHeader(src, ev.record)
	if !isMap {
		w.noteWrapped(ev)
		return skip(src, ev.record)
	}
	for ; n > 0 && pos >= 0; n-- {
		keyPos := pos
		if pos = skip(src, keyPos); pos < 0 {
			break
		}
		w.noteKey(src, keyPos, pos)
		pos = skip(src, pos)
	}
	return pos
}

// noteKey stores the offset of the value if the first-level key at keyPos is
// watched. The key must be whole. The last of several equal keys counts, as in the
// record, in which a binary key is the same as a string.
func (w *walker) noteKey(src []byte, keyPos, valuePos int) {
	n, start := shortStringHeader(src, keyPos)
	if n < 0 {
		var ok bool
		if n, start, ok = stringHeader(src, keyPos, true); !ok {
			return
		}
	}
	if w.enc.watchLens&lengthBit(n) == 0 {
		return
	}
	name := src[start : start+n]
	for i := range w.enc.watches {
		if w.enc.watches[i].name == string(name) {
			w.offsets[i] = valuePos
		}
	}
}

// noteWrapped is noteKey for a record that is not a map.
func (w *walker) noteWrapped(ev event) {
	for i := range w.enc.watches {
		if w.enc.watches[i].name == wrapKey {
			w.offsets[i] = ev.record
		}
	}
}
