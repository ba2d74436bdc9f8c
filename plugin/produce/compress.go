package produce

import (
	"bytes"
	"errors"
	"runtime"
	"time"

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
	// smallBatchBytes is the window of gzip's stateless compression.
	smallBatchBytes = 32 << 10
)

// compressors compress batches. If usual is nil, batches are not compressed.
type compressors struct {
	usual kgo.Compressor
	// small is for batches up to smallBatchBytes: gzip's usual table of matches is so
	// large that to bring it into the cache takes as long as all the rest.
	small kgo.Compressor
	// backlog is for a batch while others wait to be compressed: the sooner they are
	// sent, the sooner Fluent Bit gets its memory back.
	backlog kgo.Compressor
}

// compress compresses src into dst. A codec below zero is an error.
func (c *compressors) compress(dst *bytes.Buffer, src []byte, backlog bool) ([]byte, kgo.CompressionCodecType) {
	compressor := c.usual
	if len(src) <= smallBatchBytes {
		compressor = c.small
	} else if backlog {
		compressor = c.backlog
	}
	return compressor.Compress(dst, src)
}

// newCompressors returns the compressors of a codec, by its name in the options.
// level is below zero for the codec's fast level.
func newCompressors(codec string, level int) (compressors, error) {
	switch codec {
	case "gzip":
		return gzipCompressors(level)
	case "lz4":
		lz4 := newLZ4Compressor(max(level, fastLZ4))
		return compressors{lz4, lz4, lz4}, nil
	case "zstd":
		return singleCompressor(kgo.ZstdCompression().WithLevel(max(level, fastZstd)))
	case "snappy":
		return singleCompressor(kgo.SnappyCompression())
	}
	if codec != "none" {
		return compressors{}, errors.New("not known")
	}
	return singleCompressor(kgo.NoCompression())
}

// singleCompressor uses the same compressor for all batches.
func singleCompressor(codec kgo.CompressionCodec) (compressors, error) {
	usual, err := kgo.DefaultCompressor(codec)
	return compressors{usual, usual, usual}, err
}

func gzipCompressors(level int) (all compressors, err error) {
	if level >= 0 {
		return singleCompressor(kgo.GzipCompression().WithLevel(level))
	}
	for at, dst := range map[int]*kgo.Compressor{GzipLevel: &all.usual, gzip.StatelessCompression: &all.small, BacklogGzipLevel: &all.backlog} {
		if *dst, err = kgo.DefaultCompressor(kgo.GzipCompression().WithLevel(at)); err != nil {
			return all, err
		}
	}
	return all, nil
}

// compressLaterLocked compresses a batch in the background, GOMAXPROCS batches at a
// time.
func (p *Producer) compressLaterLocked(b *batch) {
	b.compressed = p.compressors.usual == nil || p.refusesCodecLocked(time.Now())
	if b.compressed {
		b.to(ready)
		return
	}
	p.uncompressedQueue = append(p.uncompressedQueue, b)
	p.startCompressWorkerLocked()
}

func (p *Producer) startCompressWorkerLocked() {
	if p.compressWorkers < runtime.GOMAXPROCS(0) {
		p.compressWorkers++
		p.background(p.compressLoop)
	}
}

// compressLoop compresses batches until uncompressedQueue is empty.
func (p *Producer) compressLoop() {
	p.mu.Lock()
	defer func() {
		p.compressWorkers--
		if len(p.uncompressedQueue) > 0 && !p.closed { // a panic ended this worker
			p.startCompressWorkerLocked()
		}
		p.unlock()
	}()
	for len(p.uncompressedQueue) > 0 && !p.closed {
		b := p.uncompressedQueue[0]
		p.uncompressedQueue[0] = nil
		p.uncompressedQueue = p.uncompressedQueue[1:]
		backlog := len(p.uncompressedQueue) > 0
		p.mu.Unlock()
		p.compress(b, backlog)
		runtime.Gosched() // a thread of Fluent Bit may wait for the only processor
		p.mu.Lock()
		b.compressed = true
		if b.state == closed { // it was not released in between
			b.to(ready)
		}
		p.scheduleLocked()
	}
}

// compress compresses b, unless that would not make it smaller. backlog tells that
// other batches wait to be compressed.
func (p *Producer) compress(b *batch, backlog bool) {
	defer p.recoverPanic() // the batch goes as it is
	scratch := p.pool.getScratch()
	defer p.pool.putScratch(scratch)
	scratch.Reset()
	records := b.wire[batchHeaderBytes:]
	compressed, codec := p.compressors.compress(scratch, records, backlog)
	if codec <= 0 || len(compressed) >= len(records) {
		return
	}
	wire := append(p.pool.get(batchHeaderBytes + len(compressed))[:batchHeaderBytes], compressed...)
	p.pool.put(b.wire)
	b.wire, b.codec = wire, codec
}
