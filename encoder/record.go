package encoder

// wrapKey is the field a record that is no map becomes, as Fluent Bit's
// OpenTelemetry input does it.
const wrapKey = "log"

// record appends the event as a JSON object: the added fields, then the
// entries of its map. An entry named like an added field comes later and so
// wins over it, as the last one of two always does.
func (w *walker) record(dst, src []byte, ev event) ([]byte, int) {
	n, pos, isMap := mapHeader(src, ev.body)
	if pos < 0 {
		return dst, pos
	}
	if !isMap {
		return w.wrapped(dst, src, ev)
	}
	if w.cannotFit(dst, n) {
		return dst, faultLarge
	}
	ks := w.openKeys(n + addedFields)
	dst = append(dst, '{')
	if w.e.adds {
		var fault int
		if dst, fault = w.added(&ks, dst, src, ev); fault < 0 {
			return dst, fault
		}
	}
	if n > wideMap {
		dst, pos = w.wideEntries(&ks, dst, src, pos, n, 1)
	} else {
		dst, pos = w.entries(&ks, dst, src, pos, n, 1)
	}
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// wrapped appends an event whose record is no map.
func (w *walker) wrapped(dst, src []byte, ev event) ([]byte, int) {
	w.noteWrapped(ev)
	dst = append(dst, '{')
	ks := w.openKeys(1 + addedFields)
	dst, pos := w.added(&ks, dst, src, ev)
	if pos < 0 {
		return dst, pos
	}
	if ks.count > 0 {
		dst = append(dst, ',')
	}
	start := len(dst)
	dst = appendString(dst, []byte(wrapKey), 0, len(wrapKey))
	w.addKey(&ks, dst, start)
	dst, pos = w.value(append(dst, ':'), src, ev.body, 2)
	if pos < 0 {
		return dst, pos
	}
	return append(w.closeKeys(&ks, dst), '}'), pos
}

// addedFields is the most fields that added adds.
const addedFields = 4

// added appends the fields that are not of the record itself, with a comma
// between them. The second result is a fault or 0.
func (w *walker) added(ks *keySet, dst, src []byte, ev event) ([]byte, int) {
	e := w.e
	if e.timeKey.wanted() {
		dst = w.appendAdded(ks, dst, &e.timeKey)
		dst = w.appendTime(dst, ev.sec, ev.nsec, e.opts.TimeFormat)
	}
	if e.tagKey.wanted() {
		dst = append(w.appendAdded(ks, dst, &e.tagKey), w.tag...)
	}
	if e.metaKey.wanted() && ev.meta >= 0 && !isEmpty(src, ev.meta) {
		var pos int
		if dst, pos = w.value(w.appendAdded(ks, dst, &e.metaKey), src, ev.meta, 2); pos < 0 {
			return dst, pos
		}
	}
	if e.groupKey.wanted() && len(w.group) > 0 {
		if len(dst)+len(w.group) > w.limit {
			return dst, faultLarge
		}
		dst = append(w.appendAdded(ks, dst, &e.groupKey), w.group...)
	}
	return dst, 0
}

// isEmpty says whether the value at pos is nil or a map or array of nothing.
func isEmpty(src []byte, pos int) bool {
	entries, _, isMap := mapHeader(src, pos)
	elements, _, isArray := arrayHeader(src, pos)
	return src[pos] == mpNil || isMap && entries == 0 || isArray && elements == 0
}

// addedKey is the key of an added field: as JSON with the colon, nil where the
// field is not wanted, and its hash.
type addedKey struct {
	text []byte
	hash uint64
}

func newAddedKey(name string) addedKey {
	if name == "" {
		return addedKey{}
	}
	text := appendString(nil, []byte(name), 0, len(name))
	return addedKey{append(text, ':'), keyHash(text[1 : len(text)-1])}
}

func (k *addedKey) wanted() bool { return k.text != nil }

// appendAdded appends the key of an added field, behind a comma where one is due.
func (w *walker) appendAdded(ks *keySet, dst []byte, k *addedKey) []byte {
	if ks.count > 0 {
		dst = append(dst, ',')
	}
	start := len(dst)
	dst = append(dst, k.text...)
	if ks.add(start, len(k.text)-1, k.hash) {
		w.killSame(ks, dst)
	}
	return dst
}

// survey goes through the record without writing it, for the watched fields.
func (w *walker) survey(src []byte, ev event) int {
	n, pos, isMap := mapHeader(src, ev.body)
	if !isMap {
		w.noteWrapped(ev)
		return skip(src, ev.body)
	}
	for ; n > 0 && pos >= 0; n-- {
		lead := pos
		if pos = skip(src, lead); pos < 0 {
			break
		}
		w.note(src, lead, pos)
		pos = skip(src, pos)
	}
	return pos
}

// note remembers the offset of the value if the first-level key at lead is
// watched. The last of several wins, since it does in the record.
func (w *walker) note(src []byte, lead, value int) {
	n, start, ok := stringHeader(src, lead, false)
	if !ok || w.e.watchLens&lengthBit(n) == 0 {
		return
	}
	name := src[start : start+n]
	for i := range w.e.watch {
		if f := &w.e.watch[i]; f.name == string(name) {
			w.at[f.slot] = value
		}
	}
}

func (w *walker) noteWrapped(ev event) {
	for _, f := range w.e.watch {
		if f.name == wrapKey {
			w.at[f.slot] = ev.body
		}
	}
}
