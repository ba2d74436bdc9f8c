package encoder

// encodeSamples encodes samples of the open object, until the step is full, which it
// returns, or the object ends. A fault of one sample does not affect the others.
func (e *Encoder) encodeSamples(b *Batch, src []byte, size int) (full bool) {
	at := &b.w.at.object
	for at.metrics > 0 {
		if b.usedBytes() >= size {
			return true
		}
		first := len(b.Records)
		if at.samples > 0 {
			sample := cursor{src[:at.end], at.sample}
			done := true
			if e.series == nil {
				e.encodeSample(b, sample)
			} else {
				done = e.encodeSeries(b, sample, size)
			}
			if b.routeTo(first, e.opts.MetricsRoute); !done {
				return true
			}
			at.sample, at.samples = sample.next().pos, at.samples-1
		} else {
			e.beginMetric(b, at)
		}
		if at.samples == 0 {
			at.metric, at.metrics = skip(src, at.metric), at.metrics-1
		}
	}
	return false
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
	b.w.copied += len(m.eventBuf)
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
