package produce

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What the compressor makes, others read; a higher level makes it smaller.
func TestLZ4(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20000 {
		text.WriteString("status ")
		text.WriteByte(byte('a' + i*i%23))
		text.WriteByte(byte('a' + i*7919%19))
	}
	size := map[int]int{}
	for level := range 10 {
		c := newLZ4Compressor(level)
		for range 2 { // the second takes the writer of the first
			var b bytes.Buffer
			compressed, codec := c.Compress(&b, []byte(text.String()))
			if codec != kgo.CodecLz4 {
				t.Fatalf("level %d: codec %d", level, codec)
			}
			got, err := kgo.DefaultDecompressor().Decompress(compressed, codec)
			if err != nil || string(got) != text.String() {
				t.Fatalf("level %d: %d bytes came back of %d: %v", level, len(got), text.Len(), err)
			}
			size[level] = len(compressed)
		}
	}
	if size[9] >= size[0] {
		t.Errorf("%d bytes at level 9, %d at 0", size[9], size[0])
	}
}
