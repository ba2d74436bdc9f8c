package encoder

// event has the time of one event and the offsets of its parts in the chunk.
type event struct {
	sec      int64
	nsec     int32
	marker   uint32 // groupStart or groupEnd, 0: an ordinary event
	metadata int    // offset of the metadata, -1: none
	record   int    // offset of the record
}

// readEvent reads the header of the event at pos. fault is 0 if it could be read.
func readEvent(src []byte, pos int) (ev event, fault int) {
	if pos+13 <= len(src) && string(src[pos:pos+4]) == "\x92\x92\xd7\x00" {
		// Without metadata Fluent Bit writes an empty map, which is a map32 in
		// 5.1.1 (src/flb_log_event_encoder.c).
		if n, body, ok := mapHeader(src, pos+12); ok && n == 0 && body > 0 {
			ev.sec, ev.nsec = eventTime(src[pos+4:])
			ev.metadata, ev.record = pos+12, body
			if marker := groupMarker(src[pos+4:]); marker != 0 {
				ev.marker = confirmMarker(src, marker, ev.metadata, ev.record)
			}
			return ev, 0
		}
	}
	c := src[pos]
	n, next, ok := arrayHeader(src, pos)
	switch {
	case next < 0:
		return ev, next
	case !ok && c&0xf0 != 0x80 && c != mpMap16 && c != mpMap32:
		return ev, faultScalar
	case !ok || n != 2:
		return ev, faultEvent
	}
	ev.metadata = -1
	n, inner, ok := arrayHeader(src, next)
	switch {
	case inner < 0:
		return ev, inner
	case ok && n != 2:
		return ev, faultHeader
	case ok:
		next = inner
	}
	var marker uint32
	if ev.sec, ev.nsec, marker, next = readTime(src, next); next < 0 {
		return ev, next
	}
	if ok {
		ev.metadata = next
		if next = skip(src, next); next < 0 {
			return ev, next
		}
	}
	ev.record = next
	if marker != 0 {
		ev.marker = confirmMarker(src, marker, ev.metadata, ev.record)
	}
	return ev, 0
}

// confirmMarker returns marker, which the time of an event says, if the event is one
// that Fluent Bit writes as a marker, and otherwise 0: it is the log record of a
// sender whose time is wrong, and must not vanish. Fluent Bit writes a start with
// the schema of the group as its metadata and a map of attributes, and an end with
// nothing in it (5.1.1, src/opentelemetry/flb_opentelemetry_logs.c,
// plugins/in_opentelemetry/opentelemetry_logs.c; 4.2.8 the same). For its own outputs
// every event of that time is a marker. A sender may forge a marker all the same:
// nothing in a chunk tells who wrote what.
func confirmMarker(src []byte, marker uint32, metadata, record int) uint32 {
	if metadata < 0 || record >= len(src) {
		return 0
	}
	if isNilOrEmpty(src, metadata) && isNilOrEmpty(src, record) {
		return marker
	}
	_, _, isMap := mapHeader(src, record)
	if marker == groupStart && isMap && member(src, metadata, "schema") >= 0 {
		return marker
	}
	return 0
}

// encodeEvent encodes the event at pos and returns the offset behind it. walker.place
// must be set.
func (e *Encoder) encodeEvent(b *Batch, src []byte, pos int) int {
	w := &b.w
	ev, fault := readEvent(src, pos)
	if fault < 0 {
		if fault == faultEvent {
			if next := e.beginObject(b, src, pos); next >= 0 {
				return next
			}
		}
		return b.reject(src, pos, ev, fault)
	}
	if ev.marker != 0 {
		return e.setGroup(b, src, pos, ev)
	}
	if ev.sec == 0 && ev.nsec == 0 && e.opts.ReplaceZeroTime {
		ev.sec, ev.nsec = w.replacedTime(src, ev)
	}
	w.rawText, w.keyPos = false, -1
	for i := range e.watches {
		w.offsets[i] = -1
	}
	start := len(b.Buf)
	w.limit = start + e.giveUpSize
	if e.opts.Oversize == OversizeTruncate {
		w.limit, w.longest = w.limit+len(w.tagJSON)+len(w.groupJSON), 0
	}
	dst, next := e.appendRecordValue(w, b.Buf, src, ev)
	w.limit, w.longest = noLimit, noLimit
	b.Buf = dst
	if next < 0 {
		b.Buf = dst[:start]
		return b.reject(src, pos, ev, next)
	}
	size := len(dst) - start
	if size == len("{}") && e.reserves && e.opts.Format == FormatJSON {
		if w.reserved.note(nil); e.opts.Reserved.Policy == ReservedDrop {
			b.Buf = dst[:start]
			b.Rejects = append(b.Rejects, Reject{Offset: pos, Length: next - pos, Count: 1, Sec: ev.sec, Nsec: ev.nsec, Err: ErrEmpty})
			return next
		}
	}
	if e.opts.MaxBytes > 0 && size > e.opts.MaxBytes {
		if e.opts.Oversize == OversizeReject || !e.truncate(b, start) {
			b.Rejects = append(b.Rejects, Reject{
				Offset: pos, Length: next - pos, Count: 1, Record: Span{start, len(b.Buf)},
				Sec: ev.sec, Nsec: ev.nsec, Err: &TooLargeError{Size: size, Limit: e.opts.MaxBytes},
			})
			return next
		}
	}
	r := Record{Value: Span{start, len(b.Buf)}, Sec: ev.sec, Nsec: ev.nsec}
	if e.fills {
		r.Key = e.fill(b, src, keyTemplate)
		r.Route = e.fill(b, src, routeTemplate)
	}
	b.Records = append(b.Records, r)
	return next
}

// appendRecordValue appends the value of the record. It returns the offset behind
// the event, or a fault.
func (e *Encoder) appendRecordValue(w *walker, dst, src []byte, ev event) ([]byte, int) {
	if e.opts.Format == FormatRaw {
		next := w.findWatched(src, ev)
		if next < 0 {
			return dst, next
		}
		if valuePos := w.offsets[rawWatch]; valuePos >= 0 {
			if n, start, ok := stringHeader(src, valuePos, true); ok {
				w.rawText = true
				return append(dst, src[start:start+n]...), next
			}
			dst, end := w.appendValue(dst, src, valuePos, 2)
			if end < 0 {
				return dst, end
			}
			return dst, next
		}
	}
	return w.appendRecord(dst, src, ev)
}

// reject records why the event at pos did not become a record. It returns the
// offset of the next event, which is the end of the chunk if the framing is
// broken. A run of values that are not even maps or arrays is one reject, since
// it is unknown how many events they were.
func (b *Batch) reject(src []byte, pos int, ev event, fault int) int {
	b.w.keys, b.w.tables = b.w.keys[:0], b.w.tables[:0]
	next := skip(src, pos)
	if next < 0 {
		fault, next = next, len(src)
	}
	err := faultError(fault)
	if fault == faultTooLarge {
		err = b.w.enc.giveUpErr
	}
	if last := len(b.Rejects) - 1; fault == faultScalar && last >= 0 {
		if r := &b.Rejects[last]; r.Err == err && r.Offset+r.Length == pos {
			r.Length = next - r.Offset
			return next
		}
	}
	b.Rejects = append(b.Rejects, Reject{
		Offset: pos, Length: next - pos, Count: 1, Sec: ev.sec, Nsec: ev.nsec, Err: err,
	})
	return next
}

// continuesReject reports whether the value at pos belongs to the run of values
// that the last reject covers. A step must not end in front of such a value:
// otherwise the run would become two rejects.
func (b *Batch) continuesReject(src []byte, pos int) bool {
	if len(b.Rejects) == 0 || isContainer(src, pos) {
		return false
	}
	r := &b.Rejects[len(b.Rejects)-1]
	return r.Err == faultError(faultScalar) && r.Offset+r.Length == pos
}

// setGroup handles the marker of an OTLP group. It keeps the attributes of a
// start for the events up to the next marker.
func (e *Encoder) setGroup(b *Batch, src []byte, pos int, ev event) int {
	w := &b.w
	w.groupJSON, w.at.group = w.groupJSON[:0], 0
	if ev.marker == groupEnd || !e.groupKey.wanted() {
		next := skip(src, ev.record)
		if next < 0 {
			return b.reject(src, pos, event{}, next)
		}
		return next
	}
	dst, next := w.appendValue(w.groupJSON, src, ev.record, 2)
	if next < 0 {
		w.groupJSON = w.groupJSON[:0]
		return b.reject(src, pos, event{}, next)
	}
	if w.groupJSON, w.at.group = dst, pos+1; isNilOrEmpty(src, ev.record) {
		w.groupJSON = dst[:0]
	}
	return next
}
