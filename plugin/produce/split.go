package produce

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// splitOrRejectLocked splits a batch that the broker refused with err. A record is
// rejected only if the broker refused it in a batch of its own.
func (p *Producer) splitOrRejectLocked(b *batch, err error, res *results) {
	codec := errors.Is(err, kerr.UnsupportedCompressionType)
	if b.count == 1 && (b.uncompressed || !codec) {
		res.rejected = append(res.rejected, rejectedBatch{b, err})
		return
	}
	first := b.count / 2
	if codec && !b.uncompressed {
		first = b.count // nothing may be wrong with it but the codec
	}
	halves, splitErr := p.splitLocked(b, first, b.uncompressed || codec)
	if splitErr != nil {
		p.observer.Panicked(splitErr)
		res.released = append(res.released, b)
		return
	}
	p.requeueLocked(halves...)
	p.pool.put(b.wire)
}

// splitLocked copies b into two batches, or into one if it has not more than first
// records. The first has at most first records.
func (p *Producer) splitLocked(b *batch, first int, uncompressed bool) (halves []*batch, err error) {
	halves = append(halves, &batch{queue: b.queue, uncompressed: uncompressed, exclusive: true})
	err = b.eachRecord(func(o Owner, key, value []byte, millis int64) {
		half := halves[len(halves)-1]
		if half.count == first {
			half = &batch{queue: b.queue, uncompressed: uncompressed, exclusive: true}
			halves = append(halves, half)
		}
		p.grow(half, o, key, value, millis)
	})
	for _, half := range halves {
		p.compressLaterLocked(half)
	}
	return halves, err
}
