package produce

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// apart takes a refused batch apart: a record is rejected only when the broker
// refused it alone. p.mu is held.
func (p *Producer) apart(b *batch, refused error, settled *outcome) {
	codec := errors.Is(refused, kerr.UnsupportedCompressionType)
	if b.count == 1 && (b.plain || !codec) {
		settled.rejected = append(settled.rejected, rejected{b, refused})
		return
	}
	first := b.count / 2
	if codec && !b.plain {
		first = b.count // nothing may be wrong with it but the codec
	}
	parts, err := p.split(b, first, b.plain || codec)
	if err != nil {
		p.observer.Panicked(err)
		settled.dropped = append(settled.dropped, b)
		return
	}
	p.again(parts...)
	p.pool.put(b.wire)
}

// split makes two batches of b, the first with so many records, or one where
// these are all.
func (p *Producer) split(b *batch, first int, plain bool) (parts []*batch, err error) {
	parts = append(parts, &batch{queue: b.queue, plain: plain, alone: true})
	err = b.each(func(o Owner, key, value []byte, millis int64) {
		part := parts[len(parts)-1]
		if part.count == first {
			part = &batch{queue: b.queue, plain: plain, alone: true}
			parts = append(parts, part)
		}
		p.extend(part, o, key, value, millis)
	})
	for _, part := range parts {
		p.pack(part)
	}
	return parts, err
}
