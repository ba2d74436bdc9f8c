package produce

import "runtime"

// pack compresses a batch in the background, as many at a time as Go uses
// processors. p.mu is held.
func (p *Producer) pack(b *batch) {
	if b.ready = p.compressors.usual == nil || b.plain; b.ready {
		return
	}
	p.unpacked = append(p.unpacked, b)
	p.startPacker()
}

func (p *Producer) startPacker() {
	if p.packers < runtime.GOMAXPROCS(0) {
		p.packers++
		p.background(p.packAll)
	}
}

// packAll compresses batches until there is none left.
func (p *Producer) packAll() {
	p.mu.Lock()
	defer func() {
		p.packers--
		if len(p.unpacked) > 0 && !p.closed { // a panic has ended this one
			p.startPacker()
		}
		p.mu.Unlock()
	}()
	for len(p.unpacked) > 0 && !p.closed {
		b := p.unpacked[0]
		p.unpacked[0] = nil
		p.unpacked = p.unpacked[1:]
		hurried := len(p.unpacked) > 0
		p.mu.Unlock()
		p.compress(b, hurried)
		runtime.Gosched() // a thread of Fluent Bit may wait for the only processor
		p.mu.Lock()
		b.ready = true
		p.advance()
	}
}

// compress makes b small, unless it would not be smaller; hurried where others
// wait behind it.
func (p *Producer) compress(b *batch, hurried bool) {
	defer p.contain() // the batch goes as it is
	scratch := p.pool.scratch()
	defer p.pool.unscratch(scratch)
	scratch.Reset()
	records := b.wire[batchHeader:]
	packed, codec := p.compressors.compress(scratch, records, hurried)
	if codec <= 0 || len(packed) >= len(records) {
		return
	}
	wire := append(p.pool.take(batchHeader + len(packed))[:batchHeader], packed...)
	p.pool.put(b.wire)
	b.wire, b.codec = wire, codec
}
