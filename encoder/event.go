package encoder

// event is where the parts of one event stand in the chunk.
type event struct {
	sec  int64
	nsec int32
	mark uint32 // groupStart or groupEnd, 0: an event like any other
	meta int    // offset of the metadata, -1: the event has none
	body int    // offset of the record
}

// readEvent reads the header of the event at pos. fault is 0 where all is
// well.
func readEvent(src []byte, pos int) (ev event, fault int) {
	if pos+13 <= len(src) && string(src[pos:pos+4]) == "\x92\x92\xd7\x00" {
		// what Fluent Bit writes unless there is metadata: an empty map, in 5.1.1 a
		// map32 (src/flb_log_event_encoder.c)
		if n, body, ok := mapHeader(src, pos+12); ok && n == 0 && body > 0 {
			ev.sec, ev.nsec = eventTime(src[pos+4:])
			ev.mark, ev.meta, ev.body = groupMark(src[pos+4:]), pos+12, body
			return ev, 0
		}
	}
	c := src[pos]
	n, next, ok := arrayHeader(src, pos)
	switch {
	case next < 0:
		return ev, next
	case !ok && c&0xf0 != 0x80 && c != mpMap16 && c != mpMap32:
		return ev, faultLiteral
	case !ok || n != 2:
		return ev, faultEvent
	}
	ev.meta = -1
	n, inner, ok := arrayHeader(src, next)
	switch {
	case inner < 0:
		return ev, inner
	case ok && n != 2:
		return ev, faultHeader
	case ok:
		next = inner
	}
	if ev.sec, ev.nsec, ev.mark, next = readTime(src, next); next < 0 {
		return ev, next
	}
	if ok {
		ev.meta = next
		if next = skip(src, next); next < 0 {
			return ev, next
		}
	}
	ev.body = next
	return ev, 0
}

// event encodes the event at pos and returns the offset behind it.
func (e *Encoder) event(b *Batch, src []byte, pos int) int {
	w := &b.w
	ev, fault := readEvent(src, pos)
	if fault < 0 {
		if fault == faultEvent {
			if next := e.metrics(b, src, pos); next > 0 {
				return next
			}
		}
		return b.refuse(src, pos, ev, fault)
	}
	if ev.mark != 0 {
		return e.group(b, src, pos, ev)
	}
	w.at, w.rawText = [watchSlots]int{-1, -1, -1}, false
	start := len(b.Buf)
	w.limit = start + e.giveUp
	if e.opts.Oversize == OversizeTruncate {
		w.limit, w.longest = w.limit+len(w.tag)+len(w.group), 0
	}
	dst, next := e.recordValue(w, b.Buf, src, ev)
	w.limit, w.longest = noLimit, noLimit
	b.Buf = dst
	if next < 0 {
		b.Buf = dst[:start]
		return b.refuse(src, pos, ev, next)
	}
	if size := len(dst) - start; e.opts.MaxBytes > 0 && size > e.opts.MaxBytes {
		if e.opts.Oversize == OversizeReject || !e.truncate(b, start) {
			b.Rejects = append(b.Rejects, Reject{
				Offset: pos, Length: next - pos, Record: Span{start, len(b.Buf)},
				Sec: ev.sec, Nsec: ev.nsec, Err: &TooLargeError{Size: size, Limit: e.opts.MaxBytes},
			})
			return next
		}
	}
	r := Record{Value: Span{start, len(b.Buf)}, Sec: ev.sec, Nsec: ev.nsec}
	if e.watchLens != 0 {
		r.Key = e.field(b, src, watchKey)
		r.Route = e.field(b, src, watchRoute)
	}
	b.Records = append(b.Records, r)
	return next
}

// recordValue appends the value of the record.
func (e *Encoder) recordValue(w *walker, dst, src []byte, ev event) ([]byte, int) {
	if e.opts.Format == FormatRaw {
		next := w.survey(src, ev)
		if next < 0 {
			return dst, next
		}
		if at := w.at[watchRaw]; at >= 0 {
			if n, start, ok := stringHeader(src, at, true); ok {
				w.rawText = true
				return append(dst, src[start:start+n]...), next
			}
			dst, end := w.value(dst, src, at, 2)
			if end < 0 {
				return dst, end
			}
			return dst, next
		}
	}
	return w.record(dst, src, ev)
}

// refuse notes that the event at pos is no record, and why. It returns the
// offset of the next one, which is the end of the chunk where the framing is
// broken. A run of values that are not even maps or arrays is one reject:
// there is no telling how many events they were.
func (b *Batch) refuse(src []byte, pos int, ev event, fault int) int {
	b.w.keys, b.w.tables = b.w.keys[:0], b.w.tables[:0]
	next := skip(src, pos)
	if next < 0 {
		fault, next = next, len(src)
	}
	err := faultError(fault)
	if fault == faultLarge {
		err = b.w.e.givenUp
	}
	if last := len(b.Rejects) - 1; fault <= faultLiteral && last >= 0 {
		if r := &b.Rejects[last]; r.Err == err && r.Offset+r.Length == pos {
			r.Length = next - r.Offset
			return next
		}
	}
	b.Rejects = append(b.Rejects, Reject{
		Offset: pos, Length: next - pos, Sec: ev.sec, Nsec: ev.nsec, Err: err,
	})
	return next
}

// inRun says whether the value at pos belongs to the run of values that the
// last reject is, so that it must not be the first of a step.
func (b *Batch) inRun(src []byte, pos int) bool {
	if len(b.Rejects) == 0 || isContainer(src, pos) {
		return false
	}
	r := &b.Rejects[len(b.Rejects)-1]
	return r.Err == faultError(faultLiteral) && r.Offset+r.Length == pos
}

// group takes a marker of an OTLP group: the attributes of a start are kept
// for the events up to the next marker.
func (e *Encoder) group(b *Batch, src []byte, pos int, ev event) int {
	w := &b.w
	w.group = w.group[:0]
	if ev.mark == groupEnd || !e.groupKey.wanted() {
		next := skip(src, ev.body)
		if next < 0 {
			return b.refuse(src, pos, event{}, next)
		}
		return next
	}
	dst, next := w.value(w.group, src, ev.body, 2)
	if next < 0 {
		w.group = w.group[:0]
		return b.refuse(src, pos, event{}, next)
	}
	if w.group = dst; isEmpty(src, ev.body) {
		w.group = dst[:0]
	}
	return next
}

// field appends the value a watched field leads to: a string or binary value
// as it is, a number or bool as JSON. Where there is none, or it is null, a
// map, an array or an ext, the span is empty.
func (e *Encoder) field(b *Batch, src []byte, slot watchSlot) Span {
	at := b.w.at[slot]
	if at >= 0 {
		at = find(src, at, e.steps[slot])
	}
	if at < 0 {
		return Span{}
	}
	start := len(b.Buf)
	if n, from, ok := stringHeader(src, at, true); ok {
		b.Buf = append(b.Buf, src[from:from+n]...)
	} else if c := src[at]; c < 0x80 || c >= 0xe0 || c == mpFalse || c == mpTrue || c >= mpFloat32 && c <= mpInt64 {
		b.Buf, _ = b.w.value(b.Buf, src, at, 2)
	}
	return Span{start, len(b.Buf)}
}
