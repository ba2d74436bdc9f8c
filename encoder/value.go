package encoder

import (
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"math"
	"time"
	"unsafe"

	jsoniter "github.com/json-iterator/go"
)

// walker reads the msgpack of one chunk at a time and writes JSON. It is the
// scratch memory of a Batch: everything in it is reused.
//
// Its methods take the output and the offset in the chunk, and return both moved
// on; a negative offset is a fault. Both travel in registers. Therefore
// punctuation, keys and literals are appended here and not by the
// jsoniter.Stream, which keeps its buffer in memory and would have to be given
// the buffer for each of them. A number costs enough for that not to show
// (BenchmarkWriter).
//
// One switch on the lead byte reads the msgpack. tinylib/msgp would find out the
// type first and read the value by a second call, its errors allocate, and its
// depth cannot be limited.
type walker struct {
	enc          *Encoder
	stream       *jsoniter.Stream
	seed         maphash.Seed    // of the hash tables
	keys         []key           // of the open maps, the innermost last
	tables       []int32         // hash tables of the open wide maps
	offsets      [maxWatches]int // of the watched first-level values of the event, -1: absent
	rawText      bool            // the record is a raw string, not JSON
	limit        int             // length of the output beyond which the encoding of the record stops
	longest      int             // bytes of the longest string that truncate could cut; noLimit: nothing is cut
	place        int             // offset in the chunk of the event, or of the sample that became it
	keyPos       int             // of the entry whose value is written, or of one around it; -1: none
	inKey        bool            // a key that is a map or an array is being written
	reserved     Noted           // keys of this step
	overridden   Noted           // keys of this step that are guarded
	scratch      []byte          // JSON of a key that is not a string, before it is escaped
	tagJSON      []byte          // the tag as a JSON string, empty: not wanted
	groupJSON    []byte          // the attributes of the current group, empty: none
	isoPrefix    []byte          // JSON of isoPrefixSec, up to the decimal point
	isoPrefixSec int64
	arrived      time.Time // of events without a time; zero: they keep none
	at           Position  // of the next event when AppendSome begins; its group and object are always current
	id           chunkID
	metric       metric
	trace        trace
	copied       int // bytes of events that this step wrote to memory of metric and trace
	literals     [templates]literals
}

func (w *walker) open(enc *Encoder, chunk []byte, tag string) {
	if w.stream == nil {
		w.stream = jsoniter.NewStream(jsoniter.ConfigDefault, nil, 0)
		w.seed = maphash.MakeSeed()
	}
	w.enc, w.at = enc, Position{}
	w.reserved.reset()
	w.overridden.reset()
	w.limit, w.longest = noLimit, noLimit
	w.groupJSON, w.tagJSON = w.groupJSON[:0], w.tagJSON[:0]
	for i := range w.literals {
		w.literals[i].open(&enc.fillers[i], tag)
	}
	w.scratch = append(w.scratch[:0], tag...)
	if enc.recordIDKey.wanted() {
		w.id.begin(w.scratch, chunk)
	}
	if enc.tagKey.wanted() {
		w.tagJSON = appendString(w.tagJSON, w.scratch, 0, len(w.scratch))
	}
}

func (w *walker) size() int {
	return cap(w.keys)*int(unsafe.Sizeof(key{})) + cap(w.tables)*4 + cap(w.scratch) + cap(w.reserved.First) + cap(w.overridden.First) + cap(w.tagJSON) + cap(w.groupJSON) + cap(w.literals[0].text) + cap(w.literals[1].text) + w.metric.size() + w.trace.size()
}

// close releases the memory of the caller.
func (w *walker) close() {
	w.enc = nil
	w.stream.SetBuffer(nil)
	w.metric.close()
	w.trace.close()
}

// appendValue appends the value at pos. depth is its level if it is a map or an
// array.
func (w *walker) appendValue(dst, src []byte, pos, depth int) ([]byte, int) {
	if pos >= len(src) {
		return dst, faultEnd
	}
	c := src[pos]
	pos++
	switch {
	case c < 0x80:
		return w.appendInt(dst, int64(c)), pos
	case c < 0x90:
		return w.appendObject(dst, src, pos, int(c&0x0f), depth)
	case c < 0xa0:
		return w.appendArray(dst, src, pos, int(c&0x0f), depth)
	case c < 0xc0:
		n := int(c & 0x1f)
		if n > len(src)-pos {
			return dst, faultEnd
		}
		return appendString(dst, src, pos, n), pos + n
	case c >= 0xe0:
		return w.appendInt(dst, int64(int8(c))), pos
	}
	pos += int(formats[c-0xc0].header) - 1
	if pos > len(src) {
		return dst, faultEnd
	}
	switch c {
	case mpStr8, mpBin8:
		return w.appendSized(dst, src, pos, int(src[pos-1]), depth, c)
	case mpStr16, mpBin16, mpArray16, mpMap16:
		return w.appendSized(dst, src, pos, be16(src, pos-2), depth, c)
	case mpStr32, mpBin32, mpArray32, mpMap32:
		return w.appendSized(dst, src, pos, be32(src, pos-4), depth, c)
	}
	return w.appendScalar(dst, src, pos, c)
}

// appendSized appends the n bytes, elements or entries at pos. c is the lead byte
// of the value.
func (w *walker) appendSized(dst, src []byte, pos, n, depth int, c byte) ([]byte, int) {
	if n > len(src)-pos {
		return dst, faultEnd
	}
	if len(dst)+min(n, w.longest) > w.limit { // each of the n becomes at least a byte
		return dst, faultTooLarge
	}
	start := len(dst)
	switch {
	case c <= mpBin32:
		if (n == traceIDBytes || n == spanIDBytes) && isID(src, w.keyPos, pos, n) {
			return appendID(dst, src, pos, n), pos + n
		}
		dst = appendBinary(dst, src, pos, n)
		w.noteCuttable(len(dst) - start)
		return dst, pos + n
	case c <= mpStr32:
		dst = appendString(dst, src, pos, n)
		w.noteCuttable(len(dst) - start)
		return dst, pos + n
	case c <= mpArray32:
		return w.appendArray(dst, src, pos, n, depth)
	}
	return w.appendObject(dst, src, pos, n, depth)
}

// noteCuttable notes a string value of n bytes of output. If it is the longest
// one so far, it is what truncate would cut, and does not count towards the
// limit.
func (w *walker) noteCuttable(n int) {
	if n > w.longest {
		w.limit += n - w.longest
		w.longest = n
	}
}

// appendScalar appends the value of fixed size that ends at pos, or an ext.
func (w *walker) appendScalar(dst, src []byte, pos int, c byte) ([]byte, int) {
	switch c {
	case mpNil:
		dst = append(dst, "null"...)
	case mpFalse:
		dst = append(dst, "false"...)
	case mpTrue:
		dst = append(dst, "true"...)
	case mpFloat32:
		dst = w.appendFloat32(dst, math.Float32frombits(uint32(be32(src, pos-4))))
	case mpFloat64:
		dst = w.appendFloat64(dst, math.Float64frombits(binary.BigEndian.Uint64(src[pos-8:])))
	case mpUint8:
		dst = w.appendInt(dst, int64(src[pos-1]))
	case mpUint16:
		dst = w.appendInt(dst, int64(be16(src, pos-2)))
	case mpUint32:
		dst = w.appendInt(dst, int64(be32(src, pos-4)))
	case mpUint64:
		dst = w.appendUint(dst, binary.BigEndian.Uint64(src[pos-8:]))
	case mpInt8:
		dst = w.appendInt(dst, int64(int8(src[pos-1])))
	case mpInt16:
		dst = w.appendInt(dst, int64(int16(be16(src, pos-2))))
	case mpInt32:
		dst = w.appendInt(dst, int64(int32(be32(src, pos-4))))
	case mpInt64:
		dst = w.appendInt(dst, int64(binary.BigEndian.Uint64(src[pos-8:])))
	case mpNeverUsed:
		return dst, faultNeverUsed
	case mpExt8:
		return w.appendExt(dst, src, pos, int(src[pos-2]))
	case mpExt16:
		return w.appendExt(dst, src, pos, be16(src, pos-3))
	case mpExt32:
		return w.appendExt(dst, src, pos, be32(src, pos-5))
	default:
		n := 1 << (c - mpFixext1)
		return w.appendExt(dst, src, pos-n, n)
	}
	return dst, pos
}

// appendExt appends an ext value of n bytes at pos; the byte before them is its
// type. An EventTime becomes an ISO time, any other ext
// {"type":1,"data":"base64"}.
func (w *walker) appendExt(dst, src []byte, pos, n int) ([]byte, int) {
	if n > len(src)-pos {
		return dst, faultEnd
	}
	kind, data := int8(src[pos-1]), src[pos:pos+n]
	if kind == 0 && n == 8 {
		sec, nsec := eventTime(data)
		return w.appendISO(dst, sec, nsec), pos + n
	}
	dst = append(dst, `{"type":`...)
	dst = w.appendInt(dst, int64(kind))
	dst = append(dst, `,"data":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"', '}'), pos + n
}

func (w *walker) appendArray(dst, src []byte, pos, n, depth int) ([]byte, int) {
	if n > len(src)-pos {
		return dst, faultEnd
	}
	if depth > maxDepth {
		return dst, faultDepth
	}
	dst = append(dst, '[')
	keyPos := w.keyPos
	for i := range n {
		w.keyPos = keyPos // an element may have had keys
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(dst) > w.limit {
			return dst, faultTooLarge
		}
		if dst, pos = w.appendValue(dst, src, pos, depth+1); pos < 0 {
			return dst, pos
		}
	}
	return append(dst, ']'), pos
}
