package encoder

// The two templates of an Encoder.
const (
	keyTemplate = iota
	routeTemplate
	templates
)

// field is a field of the record in a template: the index of its first-level field in
// Encoder.watches, and the steps from there.
type field struct {
	watch int
	steps []step
}

// filler makes the key or the route of records by a template.
type filler struct {
	pieces []piece
	fields []field // those among the pieces
}

// newFiller returns what fills a template; text is that of an option, "": none is wanted.
func (e *Encoder) newFiller(text string) (f filler, err error) {
	if text == "" {
		return f, nil
	}
	t, err := ParseTemplate(text)
	if err != nil {
		return f, err
	}
	f.pieces = t.pieces
	for i := range f.pieces {
		if p := &f.pieces[i]; p.kind == fieldPiece {
			f.fields = append(f.fields, field{e.addWatch(p.steps[0].name), p.steps[1:]})
		}
	}
	return f, nil
}

func (f *filler) wanted() bool { return f.pieces != nil }

// literals are what of a template is the same for all records of a chunk: its texts and
// the parts of the tag.
type literals struct {
	text []byte
	// ends[i] is where in text what stands in front of field i ends; behind the last field
	// comes the rest.
	ends   [maxAccessors]int
	absent bool // the tag has not one of the parts: no record gets anything
	span   Span // in Batch.Buf, where a template without fields was put in this step
}

// open looks at the tag of a chunk.
func (l *literals) open(f *filler, tag string) {
	l.text, l.absent, l.span = l.text[:0], false, Span{}
	fields := 0
	for i := range f.pieces {
		p := &f.pieces[i]
		part := p.text
		switch p.kind {
		case fieldPiece:
			l.ends[fields] = len(l.text)
			fields++
			continue
		case tagPiece:
			if part = p.part.of(tag); part == "" {
				l.absent = true
				return
			}
		}
		l.text = append(l.text, part[:min(len(part), maxFieldBytes+1)]...)
	}
	if fields == 0 && len(l.text) > maxFieldBytes {
		l.text = l.text[:runeBoundary(l.text, maxFieldBytes)]
	}
}

// maxFieldBytes is the largest key or route. A longer one is cut between two
// characters: Options.MaxBytes bounds the value alone, and the same key still goes
// to the same shard. No route of this size names a logstore.
const maxFieldBytes = 1024

// fill appends what a template makes of the event that was encoded last. The span is empty
// if one of the accessors gives nothing. What needs no field is appended once a step.
func (e *Encoder) fill(b *Batch, src []byte, template int) Span {
	f, l := &e.fillers[template], &b.w.literals[template]
	if l.absent || f.pieces == nil {
		return Span{}
	}
	start := len(b.Buf)
	if len(f.fields) == 0 {
		if l.span.End == 0 {
			b.Buf = append(b.Buf, l.text...)
			l.span = Span{start, len(b.Buf)}
		}
		return l.span
	}
	literal := 0
	for i := range f.fields {
		b.Buf = append(b.Buf, l.text[literal:l.ends[i]]...)
		literal = l.ends[i]
		before := len(b.Buf)
		if e.appendField(b, src, &f.fields[i]); len(b.Buf) == before {
			b.Buf = b.Buf[:start]
			return Span{}
		}
	}
	b.Buf = append(b.Buf, l.text[literal:]...)
	if text := b.Buf[start:]; len(text) > maxFieldBytes {
		b.Buf = b.Buf[:start+runeBoundary(text, maxFieldBytes)]
	}
	return Span{start, len(b.Buf)}
}

// appendField appends the value of a field: a string or binary value as it is, a number
// or bool as JSON, at most maxFieldBytes. It appends nothing if the value does not exist,
// is empty, or is null in the record, a map, an array or an ext.
func (e *Encoder) appendField(b *Batch, src []byte, f *field) {
	pos := b.w.offsets[f.watch]
	if pos >= 0 {
		pos = find(src, pos, f.steps)
	}
	if pos < 0 {
		return
	}
	start := len(b.Buf)
	if n, from, ok := stringHeader(src, pos, true); ok {
		if n > maxFieldBytes {
			n = runeBoundary(src[from:from+n], maxFieldBytes)
		}
		b.Buf = append(b.Buf, src[from:from+n]...)
	} else if c := src[pos]; c < 0x80 || c >= 0xe0 || c == mpFalse || c == mpTrue || c >= mpFloat32 && c <= mpInt64 {
		b.Buf, _ = b.w.appendValue(b.Buf, src, pos, 2)
		if string(b.Buf[start:]) == "null" { // NaN or an infinity
			b.Buf = b.Buf[:start]
		}
	}
}
