package encoder

// objectPosition is a place between two samples of a metrics object. The zero
// value is outside of any object.
type objectPosition struct {
	start, end      int // of the object
	metric, metrics int // the offset of the current metric; how many are left, with it
	sample, samples int // the offset of its next sample; how many are left, 0: the metric was not begun
	part            int // of the next sample: how many of its records are behind, of a metricstore
}

func (at *objectPosition) isOpen() bool { return at.metrics > 0 }

// offset returns the offset of what is encoded next.
func (at *objectPosition) offset() int {
	if at.samples > 0 {
		return at.sample
	}
	return at.metric
}

// beginMetrics opens the metrics object at pos and returns pos: encodeSamples
// encodes it. If it cannot be encoded, it is rejected, and the offset behind it is
// returned. If the value at pos is not such an object or not a whole one, the
// result is negative.
func (e *Encoder) beginMetrics(b *Batch, src []byte, pos int) int {
	end := skip(src, pos)
	if end < 0 {
		return end
	}
	elem, n, ok := cursor{src[:end], pos}.get("metrics").array()
	if !ok {
		return faultEvent
	}
	w := &b.w
	w.at.group = 0
	w.openMetrics(src, pos, end)
	if fault := w.setResourceGroup(); fault < 0 {
		b.rejectSamples(cursor{src, pos}, elem, n, fault)
		return end
	}
	if n == 0 {
		w.groupJSON = w.groupJSON[:0]
		return end
	}
	w.at.object = objectPosition{start: pos, end: end, metric: elem.pos, metrics: n}
	return pos
}

// encodeSamples encodes samples of the open object, until the step is full or the
// object ends, and returns the offset behind them. A fault of one sample does not
// affect the others.
func (e *Encoder) encodeSamples(b *Batch, src []byte, size int) int {
	at := &b.w.at.object
	for at.metrics > 0 {
		if b.usedBytes() >= size {
			return at.offset()
		}
		if at.samples > 0 {
			sample := cursor{src[:at.end], at.sample}
			if e.series == nil {
				e.encodeSample(b, sample)
			} else if !e.encodeSeries(b, sample, size) {
				return at.offset()
			}
			at.sample, at.samples = sample.next().pos, at.samples-1
		} else {
			e.beginMetric(b, at)
		}
		if at.samples == 0 {
			at.metric, at.metrics = skip(src, at.metric), at.metrics-1
		}
	}
	end := at.end
	b.w.groupJSON, *at = b.w.groupJSON[:0], objectPosition{}
	return end
}

// beginMetric moves at to the first sample of the metric.
func (e *Encoder) beginMetric(b *Batch, at *objectPosition) {
	m := &b.w.metric
	m.elem.pos = at.metric
	sample, n, ok := m.elem.get("values").array()
	if !ok || !m.openMetric() {
		b.rejectSamples(m.elem, m.elem, 1, faultMetric)
		return
	}
	if m.isDelta && e.series != nil && !e.opts.KeepDelta {
		b.rejectSamples(m.elem, m.elem, 1, faultDelta)
		return
	}
	at.sample, at.samples = sample.pos, n
}

// encodeSample encodes one sample.
func (e *Encoder) encodeSample(b *Batch, sample cursor) {
	m := &b.w.metric
	fault := 0
	if m.labelsExceed(e) {
		fault = faultTooLarge
	} else if !m.appendSample(sample) {
		fault = faultSample
	}
	m.copied += len(m.eventBuf)
	if fault < 0 {
		b.reject(sample.src, sample.pos, m.eventHeader(), fault)
		return
	}
	rejects := len(b.Rejects)
	b.w.place = sample.pos
	e.encodeEvent(b, m.eventBuf, 0)
	if len(b.Rejects) > rejects { // its range is in the chunk, not in eventBuf
		r := &b.Rejects[rejects]
		r.Offset, r.Length = sample.pos, len(sample.raw())
	}
}

// labelsExceed reports whether the labels that all samples share are too large for
// any record. Otherwise each sample of some bytes would cost the time to copy them.
// A label becomes at least half as many bytes of JSON.
func (m *metric) labelsExceed(e *Encoder) bool {
	bytes := m.staticBytes
	if e.opts.Oversize == OversizeTruncate {
		bytes -= m.longestBytes
	}
	m.eventBuf = m.eventBuf[:0]
	return bytes/2 > e.giveUpSize
}
