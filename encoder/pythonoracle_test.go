package encoder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

var (
	oraclePython = flag.String("oracle-python", "", "the Python that TestPythonOracle uses; its msgpack must be there")
	oracleChunks = flag.Int("oracle-chunks", 2000, "how many chunks TestPythonOracle makes")
	oracleSeed   = flag.Uint64("oracle-seed", 0, "seed of TestPythonOracle, 0: the time")
)

// oracleCase is a chunk and what the encoder made of it, for testdata/oracle/oracle.py.
type oracleCase struct {
	Options          Options
	Tag, Chunk       []byte
	Records, Rejects []any
	Reserved         int
	Overridden       int
}

// TestPythonOracle: the encoder makes of random and hostile chunks what a program makes
// of them that has nothing of the encoder: Python's msgpack and json read them. `make
// test-oracle` runs it with 50,000 chunks.
func TestPythonOracle(t *testing.T) {
	python := *oraclePython
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import msgpack; print(msgpack.version)").CombinedOutput(); err != nil {
		if *oraclePython != "" {
			t.Fatalf("%s: %v\n%s", python, err, out)
		}
		t.Skipf("%s has no msgpack (make test-oracle gets it): %v", python, err)
	}
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	cmd := exec.Command(python, "testdata/oracle/oracle.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(in)
	lines, g := json.NewEncoder(w), hostile{rand.New(rand.NewPCG(seed, 0))}
	for range *oracleChunks {
		if err := lines.Encode(g.oracleCase(t)); err != nil {
			t.Error(err)
			break
		}
	}
	w.Flush()
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	t.Logf("%s", &out)
}

// classOf is the word of the Python program for an error.
func classOf(err error) string {
	switch {
	case errors.Is(err, ErrTooLarge):
		return "large"
	case errors.Is(err, ErrTooDeep):
		return "deep"
	case errors.Is(err, ErrBroken):
		return "broken"
	case errors.Is(err, ErrEmpty):
		return "empty"
	}
	return "malformed"
}

// hostile makes chunks and options.
type hostile struct{ *rand.Rand }

func (g hostile) oracleCase(t *testing.T) oracleCase {
	c := oracleCase{Options: g.options(), Tag: g.tag(), Chunk: g.chunk(), Records: []any{}, Rejects: []any{}}
	var b Batch
	newEncoder(t, c.Options).Append(&b, c.Chunk, string(c.Tag))
	for _, r := range b.Records {
		c.Records = append(c.Records, map[string]any{"Value": b.Bytes(r.Value), "Key": b.Bytes(r.Key), "Route": b.Bytes(r.Route), "Sec": r.Sec, "Nsec": r.Nsec})
	}
	for _, r := range b.Rejects {
		c.Rejects = append(c.Rejects, map[string]any{"Offset": r.Offset, "Length": r.Length, "Count": r.Count, "Class": classOf(r.Err)})
	}
	c.Reserved, c.Overridden = b.Reserved.Count, b.Overridden.Count
	return c
}

// one tells true once in n times.
func (g hostile) one(n int) bool { return g.IntN(n) == 0 }

func (g hostile) options() (o Options) {
	if g.one(5) {
		o.Format, o.RawKey = FormatRaw, "log"
	}
	if g.one(3) {
		o.TimeKey, o.TimeFormat, o.TimeOverrides = "a", TimeFormat(g.IntN(4)), g.one(2)
	}
	if g.one(3) {
		o.TagKey = "k\"ey"
	}
	if g.one(3) {
		o.RecordIDKey = "id"
	}
	if g.one(2) {
		o.MetadataKey = "m"
	}
	if g.one(2) {
		o.GroupKey = "g"
	}
	if g.one(2) {
		o.KeyField, o.RouteField = hostileTemplates[g.IntN(len(hostileTemplates))], hostileTemplates[g.IntN(len(hostileTemplates))]
	}
	if g.one(4) {
		o.MaxBytes = 20 + g.IntN(400)
	}
	o.ReplaceZeroTime = g.one(2)
	if g.one(2) {
		o.Reserved = ReservedKeys{ReservedPolicy(g.IntN(3)), []string{"__time__", "_extract_others_", "__tag__:"}, 70}
	}
	return o
}

// tag returns any text, parts of one, or what tail makes of the log of a container.
func (g hostile) tag() []byte {
	switch g.IntN(3) {
	case 0:
		return g.text()
	case 1:
		return bytes.Join([][]byte{g.text(), g.text(), g.text()}, []byte("."))
	}
	names := []string{"web", "shop", "a.b", "x-1", "", "Shop", "a_b"}
	name := func() string { return names[g.IntN(len(names))] }
	return []byte(podTag(name(), name(), name()))
}

// chunk returns some events, one chunk in four with bytes that were changed.
func (g hostile) chunk() (b []byte) {
	for range 1 + g.IntN(6) {
		b = g.event(b)
	}
	if g.one(4) {
		for range 1 + g.IntN(3) {
			switch i := g.IntN(len(b)); g.IntN(4) {
			case 0:
				b[i] = byte(g.Uint32())
			case 1:
				b[i] ^= 1 << g.IntN(8)
			case 2:
				b = b[:i+1]
			default:
				b = append(b[:i:i], b[min(i+1+g.IntN(4), len(b)-1):]...)
			}
		}
	}
	return b
}

func (g hostile) event(b []byte) []byte {
	switch g.IntN(30) {
	case 0:
		return g.value(b, 0) // not an event
	case 1:
		return g.value(g.value(msgp.AppendArrayHeader(b, 2), 0), 0)
	}
	b = append(b, 0x92)
	if !g.one(8) {
		b = g.metadata(g.time(append(b, 0x92)))
	} else {
		b = g.time(b)
	}
	if g.one(20) {
		return g.value(b, 1)
	}
	return g.object(b, 1)
}

func (g hostile) time(b []byte) []byte {
	sec, nsec := g.Uint32(), g.Uint32N(1e9)
	switch g.IntN(12) {
	case 0:
		sec, nsec = math.MaxUint32-g.Uint32N(2), g.Uint32N(3)/2
	case 1:
		sec, nsec = 0, g.Uint32N(2)
	case 2:
		nsec = g.Uint32()
	case 3:
		return msgp.AppendInt64(b, g.Int64()>>g.IntN(64))
	case 4:
		return msgp.AppendFloat64(b, g.NormFloat64()*math.Pow(10, float64(g.IntN(18))))
	case 5:
		return g.value(b, 2)
	}
	lead := "\xd7\x00"
	if g.one(4) {
		lead = "\xc7\x08\x00"
	}
	b = append(b, lead...)
	for _, v := range []uint32{sec, nsec} {
		b = append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return b
}

func (g hostile) metadata(b []byte) []byte {
	switch g.IntN(8) {
	case 0:
		return append(b, "\xdf\x00\x00\x00\x00"...)
	case 1:
		return append(b, "\x81\xa6schema\xa4otlp"...)
	case 2:
		b = append(b, "\x81\xa4otlp\x82\xa8trace_id\xc4\x10"...)
		b = g.bytes(b, 16)
		return msgp.AppendUint64(append(b, "\xb2observed_timestamp"...), g.Uint64()>>g.IntN(64))
	case 3:
		return g.value(append(append(b, 0x82), "\xa9hec_token\x01\xa1x"...), 2)
	case 4:
		return g.value(b, 1)
	case 5:
		return g.object(b, 2)
	}
	return append(b, 0x80)
}

func (g hostile) bytes(b []byte, n int) []byte {
	for range n {
		b = append(b, byte(g.Uint32()))
	}
	return b
}

var (
	hostileTemplates = []string{"$a['b'][0]", "log", "$log", "$TAG", "$TAG[1]", "$TAG['namespace']", "x-$TAG['pod']/$TAG['container']", "k8s-$TAG[0]-$log",
		"$a['b']$TAG[2]x", "$log/$a/$b"}
	hostileKeys = []string{"a", "b", "log", "k\"ey", "m", "g", "id", "", "1", "null", "__time__", "__tag__:x", "_extract_others_", "_", "__time",
		"trace_id", "span_id", "secret", "ключ", "a\xff", "a\xfe", "seventeen bytes...", strings.Repeat("long ", 20), strings.Repeat("\"\x01é", 20)}
	hostileTexts = []string{"", "GET /index.html 200", "a\x00b", "tab\tquote\"back\\", "\x1b[31mred", "日本語のログ", "caf\xc3", "\xff", "\xed\xa0\x80surrogate",
		"\xf0\x9f\x98\x80", "\xf0\x9f\x98", "\xe0\x80\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\u2028", "\xd6\xd0\xce\xc4", "\x7f", strings.Repeat("x", 300), strings.Repeat("é", 40)}
)

func (g hostile) text() []byte {
	text := hostileTexts[g.IntN(len(hostileTexts))]
	if g.one(3) {
		text += hostileTexts[g.IntN(len(hostileTexts))]
	}
	if g.one(10) {
		return g.bytes([]byte(text), g.IntN(20))
	}
	return []byte(text)
}

func (g hostile) object(b []byte, depth int) []byte {
	n := g.IntN(6)
	if g.one(40) {
		n = 40 + g.IntN(30)
	}
	b = msgp.AppendMapHeader(b, uint32(n))
	for range n {
		b = g.value(g.key(b, depth), depth+1)
	}
	return b
}

func (g hostile) key(b []byte, depth int) []byte {
	key := hostileKeys[g.IntN(len(hostileKeys))]
	switch g.IntN(12) {
	case 0:
		return msgp.AppendBytes(b, []byte(key))
	case 1:
		return g.value(b, depth+1)
	}
	return msgp.AppendString(b, key)
}

func (g hostile) value(b []byte, depth int) []byte {
	kind := g.IntN(20)
	if depth > 6 && kind < 5 {
		kind += 5
	}
	switch kind {
	case 0, 1:
		return g.object(b, depth)
	case 2, 3:
		n := g.IntN(5)
		b = msgp.AppendArrayHeader(b, uint32(n))
		for range n {
			b = g.value(b, depth+1)
		}
		return b
	case 4:
		if g.one(20) { // about as deep as is allowed
			n := 120 + g.IntN(12)
			for range n {
				b = append(b, 0x91)
			}
		}
		return append(b, 0x91, 0xc0)
	case 5, 6, 7, 8:
		return msgp.AppendString(b, string(g.text()))
	case 9, 10:
		return msgp.AppendBytes(b, g.text())
	case 11:
		n := 8 + 8*g.IntN(2)
		return g.bytes(append(b, 0xc4, byte(n)), n)
	case 12:
		return msgp.AppendInt64(b, g.Int64()>>g.IntN(64))
	case 13:
		return msgp.AppendUint64(b, g.Uint64()>>g.IntN(64))
	case 14:
		return msgp.AppendFloat64(b, math.Float64frombits(g.Uint64()))
	case 15:
		return msgp.AppendFloat64(b, float64(g.IntN(2_000_000)-1_000_000)/1000)
	case 16:
		return msgp.AppendFloat32(b, float32(g.IntN(2000)-1000)/8)
	case 17:
		return msgp.AppendFloat64(b, []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-6, 9.99e-7, 1e21, 9.99e20, 5e-324}[g.IntN(10)])
	case 18:
		n := g.IntN(12)
		return g.bytes(append(b, 0xc7, byte(n), byte(g.IntN(120))), n)
	}
	return append(b, []byte{0xc0, 0xc2, 0xc3}[g.IntN(3)])
}
