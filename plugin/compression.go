package plugin

import (
	"bytes"

	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// GzipLevel is the level of gzip where none is set. On logs it is 7 % smaller
	// than 1, and a tenth larger than zlib's usual 6.
	GzipLevel = 3
	// HurriedGzipLevel is that while batches wait: a sixth quicker, a twentieth
	// larger.
	HurriedGzipLevel = 2
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

// level is compression_level, or fast where none is set.
func (c *Config) level(fast int) int {
	if c.given["compression_level"] {
		return c.CompressionLevel
	}
	return fast
}

func (c *Config) codec() kgo.CompressionCodec {
	switch c.Compression {
	case "gzip":
		return kgo.GzipCompression().WithLevel(c.level(GzipLevel))
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression().WithLevel(c.level(fastZstd))
	case "snappy":
		return kgo.SnappyCompression()
	}
	return kgo.NoCompression()
}

func (c *Config) compressors() (compressors, error) {
	if c.Compression == "lz4" {
		lz4 := newLZ4(c.level(fastLZ4))
		return compressors{lz4, lz4, lz4}, nil
	}
	usual, err := kgo.DefaultCompressor(c.codec())
	all := compressors{usual, usual, usual}
	if err != nil || c.Compression != "gzip" || c.given["compression_level"] {
		return all, err
	}
	if all.small, err = kgo.DefaultCompressor(kgo.GzipCompression().WithLevel(gzip.StatelessCompression)); err != nil {
		return all, err
	}
	all.hurried, err = kgo.DefaultCompressor(kgo.GzipCompression().WithLevel(HurriedGzipLevel))
	return all, err
}
