package encoder

// encodeSpans encodes spans of the open object, until the step is full, which it returns,
// or the object ends. A fault of one span does not affect the others.
func (e *Encoder) encodeSpans(b *Batch, src []byte, size int) (full bool) {
	at := &b.w.at.object
	for at.metrics > 0 {
		if b.usedBytes() >= size {
			return true
		}
		switch {
		case at.samples > 0:
			span := cursor{src, at.sample}
			first := len(b.Records)
			e.encodeSpan(b, span)
			b.routeTo(first, e.opts.TracesRoute)
			at.sample, at.samples = span.next().pos, at.samples-1
		case at.scopes > 0:
			b.beginScope(at, cursor{src, at.scope})
		default:
			if b.beginResource(at, cursor{src, at.metric}); at.scopes > 0 {
				continue
			}
		}
		if at.samples == 0 && at.scopes > 0 { // the scope ends
			at.scope, at.scopes = skip(src, at.scope), at.scopes-1
		}
		if at.scopes == 0 {
			at.metric, at.metrics = skip(src, at.metric), at.metrics-1
		}
	}
	return false
}

// beginResource moves at to the first scope of the resource.
func (b *Batch) beginResource(at *objectPosition, resource cursor) {
	scope, n, ok := resource.get("scope_spans").array()
	if !ok || n > 0 && !b.w.trace.openResource(resource) {
		b.rejectSpans(resource, countSpans(scope, n))
		return
	}
	at.scope, at.scopes = scope.pos, n
}

// beginScope moves at to the first span of the scope.
func (b *Batch) beginScope(at *objectPosition, scope cursor) {
	span, n, ok := scope.get("spans").array()
	if !ok || n > 0 && !b.w.trace.openScope(scope) {
		b.rejectSpans(scope, n)
		return
	}
	if at.sample, at.samples = span.pos, n; n > 0 {
		b.w.copied += len(b.w.trace.head)
	}
}

// countSpans returns how many spans n scopes have.
func countSpans(scope cursor, n int) (count int) {
	for ; n > 0; n-- {
		_, spans, _ := scope.get("spans").array()
		count += spans
		scope = scope.next()
	}
	return count
}

// rejectSpans rejects all spans of whole, which has what they share, as one range.
func (b *Batch) rejectSpans(whole cursor, count int) {
	b.reject(whole.src, whole.pos, event{}, faultSpan)
	b.Rejects[len(b.Rejects)-1].Count = max(1, count)
}

// encodeSpan encodes one span.
func (e *Encoder) encodeSpan(b *Batch, span cursor) {
	t := &b.w.trace
	fault := 0
	if t.eventBuf = t.eventBuf[:0]; t.exceeds(e) {
		fault = faultTooLarge
	} else if !t.appendSpan(span) {
		fault = faultSpan
	}
	b.w.copied += len(t.eventBuf)
	if fault < 0 {
		b.reject(span.src, span.pos, event{}, fault)
		return
	}
	rejects := len(b.Rejects)
	b.w.place = span.pos
	e.encodeEvent(b, t.eventBuf, 0)
	if len(b.Rejects) > rejects { // its range is in the chunk, not in eventBuf
		r := &b.Rejects[rejects]
		r.Offset, r.Length = span.pos, len(span.raw())
	}
}
