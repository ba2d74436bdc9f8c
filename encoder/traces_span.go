package encoder

// read reads the values of a span. It returns false if that is not a map, or lacks what
// each span has.
func (s *span) read(c cursor) bool {
	none := cursor{pos: -1}
	*s = span{none, none, none, none, none, none, none, none, none, none, none, none}
	n, key, ok := mapHeader(c.src, c.pos)
	if !ok {
		return false
	}
	for at := (cursor{c.src, key}); n > 0; n-- {
		name, _ := at.str()
		value := at.next()
		if to := s.field(name); to != nil {
			*to = value
		}
		at = value.next()
	}
	_, hasStart := s.start.uint()
	_, hasEnd := s.end.uint()
	return hasStart && hasEnd && s.traceID.pos >= 0 && s.spanID.pos >= 0 &&
		s.traceID.isText() && s.spanID.isText() && s.parentID.isText() && s.state.isText() && s.name.isText() &&
		s.attributes.isMap() && s.events.isList() && s.links.isList() && s.status.isMap() &&
		s.status.get("message").isText()
}

// field returns where the value of that name belongs; nil: it is not needed.
func (s *span) field(name []byte) *cursor {
	switch string(name) {
	case "trace_id":
		return &s.traceID
	case "span_id":
		return &s.spanID
	case "parent_span_id":
		return &s.parentID
	case "trace_state":
		return &s.state
	case "name":
		return &s.name
	case "kind":
		return &s.kind
	case "start_time_unix_nano":
		return &s.start
	case "end_time_unix_nano":
		return &s.end
	case "attributes":
		return &s.attributes
	case "events":
		return &s.events
	case "links":
		return &s.links
	case "status":
		return &s.status
	}
	return nil
}

// times returns start and end in nanoseconds. A span that has not ended, or ended before
// it began, takes no time.
func (s *span) times() (start, end uint64) {
	start, _ = s.start.uint()
	end, _ = s.end.uint()
	return start, max(start, end)
}

// appendSpan writes the span to t.eventBuf as an event. It returns false if the span does
// not have the layout of ctraces.
func (t *trace) appendSpan(c cursor) bool {
	s := &t.span
	t.eventBuf = t.eventBuf[:0]
	if !s.read(c) {
		return false
	}
	start, end := s.times()
	if !fitsEventTime(end) {
		return false
	}
	buf := appendEventTime(append(t.eventBuf, 0x92, 0x92), end)
	buf = append(buf, 0x80, mpMap16, 0, spanFieldCount)
	buf = append(buf, t.head...)
	buf = appendValueOr(appendFixstr(buf, "name"), s.name)
	buf = appendFixstr(appendFixstr(buf, "kind"), word(spanKinds[:], s.kind))
	buf = appendValueOr(appendFixstr(buf, "traceID"), s.traceID)
	buf = appendValueOr(appendFixstr(buf, "spanID"), s.spanID)
	buf = appendValueOr(appendFixstr(buf, "parentSpanID"), s.parentID)
	buf, hasLinks := appendLinks(appendFixstr(buf, "links"), s.links)
	buf, hasEvents := appendSpanEvents(appendFixstr(buf, "logs"), s.events)
	buf = appendValueOr(appendFixstr(buf, "traceState"), s.state)
	buf = appendMicros(appendFixstr(buf, "start"), start)
	buf = appendMicros(appendFixstr(buf, "end"), end)
	buf = appendMicros(appendFixstr(buf, "duration"), end-start)
	buf = appendMapOr(appendFixstr(buf, "attribute"), s.attributes)
	buf = appendFixstr(appendFixstr(buf, "statusCode"), word(statusCodes[:], s.status.get("code")))
	t.eventBuf = appendValueOr(appendFixstr(buf, "statusMessage"), s.status.get("message"))
	return hasLinks && hasEvents
}

// word returns the word of a number; the first one where there is none.
func word(words []string, number cursor) string {
	if n, ok := number.uint(); ok && n < uint64(len(words)) {
		return words[n]
	}
	return words[0]
}

func appendMicros(dst []byte, ns uint64) []byte { return appendUint(dst, ns/1000) }

// appendUint appends a number as msgpack.
func appendUint(dst []byte, v uint64) []byte {
	return append(dst, mpUint64, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// appendMapOr appends a map, or an empty one where there is none.
func appendMapOr(dst []byte, value cursor) []byte {
	if value.pos < 0 || value.isNil() {
		return append(dst, 0x80)
	}
	return append(dst, value.raw()...)
}

// appendLinks appends the links of a span. It returns false if one is malformed.
func appendLinks(dst []byte, links cursor) ([]byte, bool) {
	link, n, _ := links.array()
	dst = appendHeader32(dst, mpArray32, n)
	for ; n > 0; n-- {
		traceID, spanID, state, attributes := link.get("trace_id"), link.get("span_id"), link.get("trace_state"), link.get("attributes")
		if traceID.pos < 0 || spanID.pos < 0 || !traceID.isText() || !spanID.isText() || !state.isText() || !attributes.isMap() {
			return dst, false
		}
		fields := byte(0x83)
		if state.isString() {
			fields++
		}
		dst = appendValueOr(appendFixstr(append(dst, fields), "traceID"), traceID)
		dst = appendValueOr(appendFixstr(dst, "spanID"), spanID)
		if state.isString() {
			dst = append(appendFixstr(dst, "traceState"), state.raw()...)
		}
		dst = appendMapOr(appendFixstr(dst, "attribute"), attributes)
		link = link.next()
	}
	return dst, true
}

// appendSpanEvents appends the events of a span. It returns false if one is malformed.
func appendSpanEvents(dst []byte, events cursor) ([]byte, bool) {
	event, n, _ := events.array()
	dst = appendHeader32(dst, mpArray32, n)
	for ; n > 0; n-- {
		name, time, attributes := event.get("name"), event.get("time_unix_nano"), event.get("attributes")
		ns, ok := time.uint()
		if !ok || !name.isText() || !attributes.isMap() {
			return dst, false
		}
		dst = appendValueOr(appendFixstr(append(dst, 0x83), "name"), name)
		dst = appendUint(appendFixstr(dst, "time"), ns)
		dst = appendMapOr(appendFixstr(dst, "attribute"), attributes)
		event = event.next()
	}
	return dst, true
}
