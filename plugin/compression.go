package plugin

import (
	"bytes"

	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// GzipLevel is the level of gzip where none is set: on logs it costs no more
	// than 1 and takes a tenth less on the wire.
	GzipLevel = 3
	// fastZstd and fastLZ4 are those of the other codecs.
	fastZstd, fastLZ4 = 1, 0
	// smallBatch is as much as gzip's stateless compression looks at together.
	smallBatch = 32 << 10
)

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

// compressor is nil for no compression.
func (c *Config) compressor() (kgo.Compressor, error) {
	if c.Compression == "lz4" {
		return newLZ4(c.level(fastLZ4)), nil
	}
	usual, err := kgo.DefaultCompressor(c.codec())
	if err != nil || c.Compression != "gzip" || c.given["compression_level"] {
		return usual, err
	}
	small, err := kgo.DefaultCompressor(kgo.GzipCompression().WithLevel(gzip.StatelessCompression))
	return bySize{small, usual}, err
}

// bySize compresses small batches in another way: with a table of matches of
// their size. To bring the large one into the cache takes as long as all the
// rest. It implements [kgo.Compressor].
type bySize struct{ small, usual kgo.Compressor }

// Compress implements [kgo.Compressor].
func (s bySize) Compress(dst *bytes.Buffer, src []byte, flags ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	if len(src) <= smallBatch {
		return s.small.Compress(dst, src, flags...)
	}
	return s.usual.Compress(dst, src, flags...)
}
