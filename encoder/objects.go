package encoder

// Kind is what a chunk consists of. Fluent Bit does not tell an output, but the bytes do.
type Kind uint8

const (
	KindLogs Kind = iota
	KindMetrics
	KindTraces
)

// KindOf returns the kind of a chunk, by its first object: an event of a log is an array,
// the others are maps with an array under a name of their own. What is neither is taken
// for logs, and its events are rejected.
func KindOf(chunk []byte) Kind {
	if len(chunk) == 0 || isArray(chunk[0]) {
		return KindLogs
	}
	end := skip(chunk, 0)
	if end < 0 {
		return KindLogs
	}
	object := cursor{chunk[:end], 0}
	if _, _, ok := object.get(metricsKey).array(); ok {
		return KindMetrics
	}
	if _, _, ok := object.get(tracesKey).array(); ok {
		return KindTraces
	}
	return KindLogs
}

func isArray(lead byte) bool {
	return lead&0xf0 == 0x90 || lead == mpArray16 || lead == mpArray32
}

// The names of the arrays that make an object one of metrics or traces.
const (
	metricsKey = "metrics"
	tracesKey  = "resourceSpans"
)

// objectPosition is a place between two samples of a metrics object, or two spans of a
// traces object. The zero value is outside of any object.
type objectPosition struct {
	start, end      int // of the object
	isTraces        bool
	metric, metrics int // the offset of the current metric, or resource of spans; how many are left, with it
	scope, scopes   int // the offset of the current scope of spans; how many are left, with it, 0: the resource was not begun
	sample, samples int // the offset of the next sample or span; how many are left, 0: the metric or scope was not begun
	part            int // of the next sample: how many of its records are behind, of a metricstore
}

func (at *objectPosition) isOpen() bool { return at.metrics > 0 }

// offset returns the offset of what is encoded next.
func (at *objectPosition) offset() int {
	switch {
	case at.samples > 0:
		return at.sample
	case at.scopes > 0:
		return at.scope
	}
	return at.metric
}

// beginObject opens the object of metrics or traces at pos and returns pos: encodeObject
// encodes it. If it cannot be encoded, it is rejected, and the offset behind it is
// returned. If the value at pos is not such an object or not a whole one, the result is
// negative.
func (e *Encoder) beginObject(b *Batch, src []byte, pos int) int {
	end := skip(src, pos)
	if end < 0 {
		return end
	}
	object := cursor{src[:end], pos}
	elem, n, ok := object.get(metricsKey).array()
	isTraces := !ok
	if isTraces {
		if elem, n, ok = object.get(tracesKey).array(); !ok {
			return faultEvent
		}
	}
	b.w.at.group, b.w.groupJSON = 0, b.w.groupJSON[:0]
	if !isTraces {
		b.w.openMetrics(src, pos, end)
		if fault := b.w.setResourceGroup(); fault < 0 {
			b.rejectSamples(cursor{src, pos}, elem, n, fault)
			return end
		}
	}
	if n == 0 {
		b.w.groupJSON = b.w.groupJSON[:0]
		return end
	}
	b.w.at.object = objectPosition{start: pos, end: end, isTraces: isTraces, metric: elem.pos, metrics: n}
	return pos
}

// encodeObject encodes records of the open object, until the step is full or the object
// ends, and returns the offset behind them.
func (e *Encoder) encodeObject(b *Batch, src []byte, size int) int {
	full := false
	if at := &b.w.at.object; at.isTraces {
		full = e.encodeSpans(b, src[:at.end], size)
	} else {
		full = e.encodeSamples(b, src, size)
	}
	if full {
		return b.w.at.object.offset()
	}
	end := b.w.at.object.end
	b.w.groupJSON, b.w.at.object = b.w.groupJSON[:0], objectPosition{}
	return end
}

// routeTo gives the records from first on, which are of one chunk, the route of them all.
func (b *Batch) routeTo(first int, route string) {
	if route == "" || first == len(b.Records) {
		return
	}
	at := Span{}
	if first > 0 {
		at = b.Records[first-1].Route
	}
	if string(b.Bytes(at)) != route {
		at.Start = len(b.Buf)
		b.Buf = append(b.Buf, route...)
		at.End = len(b.Buf)
	}
	for i := range b.Records[first:] {
		b.Records[first+i].Route = at
	}
}
