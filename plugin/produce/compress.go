package produce

import (
	"bytes"
	"errors"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// GzipLevel is the level of gzip where none is set. On logs it is 7 % smaller
	// than 1, and a tenth larger than zlib's usual 6.
	GzipLevel = 3
	// BacklogGzipLevel is the level while other batches wait to be compressed: a sixth
	// faster, a twentieth larger.
	BacklogGzipLevel = 2
	// fastZstd and fastLZ4 are those of the other codecs.
	fastZstd, fastLZ4 = 1, 0
	// smallBatch is as much as gzip's stateless compression looks at together.
	smallBatch = 32 << 10
)

// compressors are the ways to make batches smaller. Without usual there are none.
type compressors struct {
	usual kgo.Compressor
	// small is for batches up to smallBatch: gzip's usual table of matches is so
	// large that to bring it into the cache takes as long as all the rest.
	small kgo.Compressor
	// hurried is for a batch that others wait behind. Then time is dear, and the
	// sooner they are through, the sooner Fluent Bit gets its memory back.
	hurried kgo.Compressor
}

// compress makes src smaller, into dst. A codec below zero is an error.
func (c *compressors) compress(dst *bytes.Buffer, src []byte, hurried bool) ([]byte, kgo.CompressionCodecType) {
	way := c.usual
	if len(src) <= smallBatch {
		way = c.small
	} else if hurried {
		way = c.hurried
	}
	return way.Compress(dst, src)
}

// newCompressors returns the ways of a codec, by its name in the options; level
// is below zero where the fast one is wanted.
func newCompressors(codec string, level int) (compressors, error) {
	switch codec {
	case "gzip":
		return gzipCompressors(level)
	case "lz4":
		lz4 := newLZ4(max(level, fastLZ4))
		return compressors{lz4, lz4, lz4}, nil
	case "zstd":
		return same(kgo.ZstdCompression().WithLevel(max(level, fastZstd)))
	case "snappy":
		return same(kgo.SnappyCompression())
	}
	if codec != "none" {
		return compressors{}, errors.New("not known")
	}
	return same(kgo.NoCompression())
}

// same uses one way for all batches.
func same(codec kgo.CompressionCodec) (compressors, error) {
	usual, err := kgo.DefaultCompressor(codec)
	return compressors{usual, usual, usual}, err
}

func gzipCompressors(level int) (all compressors, err error) {
	if level >= 0 {
		return same(kgo.GzipCompression().WithLevel(level))
	}
	for at, to := range map[int]*kgo.Compressor{GzipLevel: &all.usual, gzip.StatelessCompression: &all.small, BacklogGzipLevel: &all.hurried} {
		if *to, err = kgo.DefaultCompressor(kgo.GzipCompression().WithLevel(at)); err != nil {
			return all, err
		}
	}
	return all, nil
}

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
