package encoder

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// fuzzOptions chooses options by the bits of pick.
func fuzzOptions(pick uint16) Options {
	var o Options
	if pick&1 != 0 {
		o.Format, o.RawKey = FormatRaw, "log"
	}
	if pick&2 != 0 {
		o.TimeKey, o.TimeFormat = "a", TimeFormat(pick>>2&3)
	}
	if pick&16 != 0 {
		o.TagKey = "tag"
	}
	if pick&32 != 0 {
		o.MetadataKey, o.GroupKey = "m", "g"
	}
	if pick&64 != 0 {
		o.KeyField, o.RouteField = "$a['b'][0]", "log"
	}
	if pick&32768 != 0 {
		o.KeyField, o.RouteField = "$log/$a['b'][0]/$TAG[0]", "x-$TAG"
	}
	if pick&128 != 0 {
		o.MaxBytes, o.Oversize = 40+int(pick>>10), Oversize(pick>>8&1)
	}
	o.ReplaceZeroTime, o.TimeOverrides = pick&8192 != 0, pick&16384 != 0
	if pick&4096 != 0 {
		o.RecordIDKey = "id"
	}
	if pick&16384 != 0 {
		o.Metrics, o.KeepDelta = MetricsStore, pick&32768 != 0
	}
	if pick&512 != 0 {
		o.Reserved = ReservedKeys{ReservedPolicy(pick >> 10 % 3), []string{"__time__", "_e", "__tag__:"}, 70}
	}
	return o
}

// FuzzAppend: whatever the bytes, nothing panics, and every record is valid JSON
// that has no key twice. Records, rejects and group markers account for every
// object of the chunk; together they take at most maxGrowth times its bytes.
func FuzzAppend(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, _, _, chunk := parseGolden(new(testing.T), string(text))
		for _, pick := range []uint16{0, 1, 0x7e, 0xf2, 0x1fe, 0x200, 0x602, 0xa7e} {
			f.Add(chunk, pick)
		}
	}
	for _, chunk := range growingChunks() {
		for _, pick := range []uint16{0, 1, 0x7e, 0xf2, 0x1fe, 0x200, 0x602, 0xa7e} {
			f.Add(chunk, pick)
		}
	}
	f.Fuzz(func(t *testing.T, chunk []byte, pick uint16) {
		e := newEncoder(t, fuzzOptions(pick))
		chunk = bytes.Clone(chunk)[:len(chunk):len(chunk)]
		var b Batch
		e.Append(&b, chunk, "tag")
		checkBatch(t, e, &b)
		if !bytes.Contains(chunk, []byte(metricsKey)) && !bytes.Contains(chunk, []byte(tracesKey)) { // FuzzMetrics and FuzzTraces check these
			checkAccounting(t, e, &b, chunk)
			checkGrowth(t, e, &b, chunk)
		}

		checkPieces(t, e, &b, chunk)

		// The same bytes within longer memory give the same result: nothing
		// behind the chunk is read.
		var again Batch
		e.Append(&again, append(bytes.Clone(chunk), `"""""""""""""""""""""""""""""""`...)[:len(chunk)], "tag")
		if !bytes.Equal(b.Buf, again.Buf) || !reflect.DeepEqual(b.Records, again.Records) {
			t.Errorf("what stands behind the chunk changes the result: %q and %q", b.Buf, again.Buf)
		}
	})
}

// checkPieces encodes the chunk event by event, in two batches by turns, which must
// give the same as all at once in one.
func checkPieces(t *testing.T, e *Encoder, whole *Batch, chunk []byte) {
	t.Helper()
	var batches [2]Batch
	for i := range batches {
		e.Begin(&batches[i], chunk, "tag", time.Time{})
		defer batches[i].End()
	}
	records, rejects := whole.Records, whole.Rejects
	for piece, at := 0, (Position{}); at.Offset < len(chunk); piece++ {
		b := &batches[piece&1]
		b.Reset()
		before := at
		if at = e.AppendSome(b, chunk, at, 1); at == before || at.Offset < before.Offset || at.Offset > len(chunk) {
			t.Fatalf("position %+v after %+v of %d", at, before, len(chunk))
		}
		if len(b.Records) > len(records) || len(b.Rejects) > len(rejects) {
			t.Fatalf("%d records, %d rejects in a piece; %d, %d are left", len(b.Records), len(b.Rejects), len(records), len(rejects))
		}
		for i, r := range b.Records {
			w := records[i]
			if !bytes.Equal(b.Bytes(r.Value), whole.Bytes(w.Value)) || !bytes.Equal(b.Bytes(r.Key), whole.Bytes(w.Key)) ||
				!bytes.Equal(b.Bytes(r.Route), whole.Bytes(w.Route)) || r.Sec != w.Sec || r.Nsec != w.Nsec {
				t.Errorf("record %q in a piece, %q in the whole", b.Bytes(r.Value), whole.Bytes(w.Value))
			}
		}
		for i, r := range b.Rejects {
			w := rejects[i]
			if r.Offset != w.Offset || r.Length != w.Length || !bytes.Equal(b.Bytes(r.Record), whole.Bytes(w.Record)) || r.Err.Error() != w.Err.Error() {
				t.Errorf("reject %+v in a piece, %+v in the whole", r, w)
			}
		}
		records, rejects = records[len(b.Records):], rejects[len(b.Rejects):]
	}
	if len(records) > 0 || len(rejects) > 0 {
		t.Errorf("%d records, %d rejects are missing in the pieces", len(records), len(rejects))
	}
}

// checkBatch checks what must hold for every result.
func checkBatch(t *testing.T, e *Encoder, b *Batch) {
	t.Helper()
	for _, r := range b.Records {
		value := b.Bytes(r.Value)
		if e.opts.MaxBytes > 0 && len(value) > e.opts.MaxBytes {
			t.Errorf("%d bytes, allowed are %d: %q", len(value), e.opts.MaxBytes, value)
		}
		if e.opts.Format == FormatJSON {
			checkJSON(t, value)
		}
		if r.Nsec < 0 || r.Nsec > 999_999_999 {
			t.Errorf("Nsec %d", r.Nsec)
		}
	}
	for _, r := range b.Rejects {
		if record := b.Bytes(r.Record); len(record) > 0 && e.opts.Format == FormatJSON {
			checkJSON(t, record)
		}
		if r.Err == nil || r.Length <= 0 {
			t.Errorf("reject %+v", r)
		}
	}
}

func checkJSON(t *testing.T, text []byte) {
	t.Helper()
	if !json.Valid(text) {
		t.Fatalf("not JSON: %q", text)
	}
	if key, twice := duplicateKey(text); twice {
		t.Errorf("key %q stands twice: %s", key, text)
	}
	if text[0] != '{' {
		t.Errorf("no object: %s", text)
	}
}

// duplicateKey returns a key that an object in text has twice.
func duplicateKey(text []byte) (string, bool) {
	type level struct {
		keys  map[string]bool // nil: an array
		value bool            // the next token is a value
	}
	var stack []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return "", false
		}
		if err != nil {
			panic(err)
		}
		top := len(stack) - 1
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].keys != nil {
			if !stack[top].value {
				key := token.(string)
				if stack[top].keys[key] {
					return key, true
				}
				stack[top].keys[key], stack[top].value = true, true
				continue
			}
			stack[top].value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}

// checkAccounting walks over the chunk with msgp and looks for what became of
// each object.
func checkAccounting(t *testing.T, e *Encoder, b *Batch, chunk []byte) {
	t.Helper()
	records, rejects, pos := len(b.Records), b.Rejects, 0
	for pos < len(chunk) {
		rest, err := msgp.Skip(chunk[pos:])
		if len(rejects) > 0 && rejects[0].Offset <= pos {
			r := rejects[0]
			end := r.Offset + r.Length
			if err != nil {
				if !isRecursion(err) && (r.Offset != pos || end != len(chunk)) {
					t.Fatalf("broken at %d, reject %+v", pos, r)
				}
				pos = end
			} else {
				pos = len(chunk) - len(rest)
			}
			if pos > end {
				t.Fatalf("object ends at %d, within reject %+v", pos, r)
			}
			if pos == end {
				rejects = rejects[1:]
			}
			continue
		}
		if err != nil {
			t.Fatalf("broken at %d (%v), and no reject", pos, err)
		}
		end := len(chunk) - len(rest)
		if !isMarker(chunk[pos:end]) {
			records--
		}
		pos = end
	}
	if records != 0 || len(rejects) != 0 {
		t.Fatalf("%d records and rejects %+v too many", records, rejects)
	}
}

// isRecursion reports whether msgp gave up because of the nesting alone.
func isRecursion(err error) bool { return msgp.Cause(err) == msgp.ErrRecursion }

// isMarker reports whether the object is the marker of an OTLP group as Fluent Bit
// writes it.
func isMarker(object []byte) bool {
	n, rest, err := msgp.ReadArrayHeaderBytes(object)
	if err != nil || n != 2 {
		return false
	}
	n, rest, err = msgp.ReadArrayHeaderBytes(rest)
	if err != nil || n != 2 {
		return false
	}
	hasTime := func(seconds string) bool {
		time := seconds + "\x00\x00\x00\x00"
		return bytes.HasPrefix(rest, []byte("\xd7\x00"+time)) || bytes.HasPrefix(rest, []byte("\xc7\x08\x00"+time))
	}
	start := hasTime("\xff\xff\xff\xff")
	if !start && !hasTime("\xff\xff\xff\xfe") {
		return false
	}
	metadata, _ := msgp.Skip(rest)
	body, _ := msgp.Skip(metadata)
	if isEmpty(metadata) && isEmpty(body) {
		return true
	}
	n, rest, err = msgp.ReadMapHeaderBytes(metadata)
	if err != nil || !start || msgp.NextType(body) != msgp.MapType {
		return false
	}
	for ; n > 0; n-- {
		text, _, textErr := msgp.ReadStringZC(rest)
		data, _, dataErr := msgp.ReadBytesZC(rest)
		if textErr == nil && string(text) == "schema" || dataErr == nil && string(data) == "schema" {
			return true
		}
		rest, _ = msgp.Skip(rest)
		rest, _ = msgp.Skip(rest)
	}
	return false
}

// isEmpty reports whether the value is nil, an empty map or an empty array.
func isEmpty(value []byte) bool {
	if n, _, err := msgp.ReadMapHeaderBytes(value); err == nil {
		return n == 0
	}
	n, _, err := msgp.ReadArrayHeaderBytes(value)
	return msgp.IsNil(value) || err == nil && n == 0
}
