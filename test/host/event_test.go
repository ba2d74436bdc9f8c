package host_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// wantNumbers checks that the out files of plugins have the lines of numbers(0, n), each once unless killed. A killed
// plugin may have cut its last chunk short and lines may come twice.
func wantNumbers(t *testing.T, n int, killed bool, outs ...string) {
	t.Helper()
	seen := map[string]int{}
	for _, out := range outs {
		for _, e := range readEvents(t, out, killed) {
			seen[e.log()]++
		}
	}
	missing, twice := 0, 0
	for i := range n {
		switch c := seen[fmt.Sprintf("line %d", i)]; {
		case c == 0:
			missing++
		case c > 1:
			twice++
		}
	}
	if missing > 0 || twice > 0 && !killed || len(seen) != n-missing {
		t.Errorf("of %d lines %d are missing, %d came more than once, %d different came", n, missing, twice, len(seen))
	}
}

type event struct {
	v1        bool
	sec, nsec uint32
	body      []byte // msgpack
}

func (e event) log() string {
	text, _, err := msgp.ReadStringBytes(msgp.Locate("log", e.body))
	if err != nil {
		return err.Error()
	}
	return text
}

// readEvents reads the chunks a plugin appended to its out file; torn means that their end may be cut off.
func readEvents(t *testing.T, path string, torn bool) []event {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for len(b) > 0 {
		e, rest, err := readEvent(b)
		if torn && errors.Is(err, msgp.ErrShortBytes) {
			break
		}
		if err != nil {
			t.Fatalf("%v in % x", err, b[:min(len(b), 32)])
		}
		events, b = append(events, e), rest
	}
	return events
}

// readEvent reads [time, body] or [[time, {}], body] as the host writes them.
func readEvent(b []byte) (e event, rest []byte, err error) {
	v1, v2 := []byte{0x92, 0xd7, 0x00}, []byte{0x92, 0x92, 0xd7, 0x00}
	if len(b) < 14 {
		return e, nil, msgp.ErrShortBytes
	}
	e.v1 = bytes.HasPrefix(b, v1)
	switch {
	case e.v1:
		b = b[len(v1):]
	case bytes.HasPrefix(b, v2) && b[len(v2)+8] == 0x80:
		b = b[len(v2):]
	default:
		return e, nil, errors.New("not an event")
	}
	e.sec, e.nsec = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if !e.v1 {
		b = b[1:]
	}
	rest, err = msgp.Skip(b)
	e.body = b[:len(b)-len(rest)]
	return e, rest, err
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line      string
		sec, nsec uint32 // 0: now
		json      string
	}{
		{"plain", 0, 0, `{"log":"plain"}`},
		{"", 0, 0, `{"log":""}`},
		{"@1262304000 old", 1262304000, 0, `{"log":"old"}`},
		{"@1262304000.5 half", 1262304000, 500000000, `{"log":"half"}`},
		{"@1262304000.123456789 all", 1262304000, 123456789, `{"log":"all"}`},
		{"@4294967295 last", 4294967295, 0, `{"log":"last"}`},
		{"@4294967296 too late", 0, 0, `{"log":"@4294967296 too late"}`},
		{"@12x", 0, 0, `{"log":"@12x"}`},
		{`{"a":1}`, 0, 0, `{"a":1}`},
		{`@7 {"a":[1,-2,3.5,true,false,null,{"b":{}}],"c":"x\n\u00e9\ud83d\ude00"}`, 7, 0,
			`{"a":[1,-2,3.5,true,false,null,{"b":{}}],"c":"x\né😀"}`},
		{`{"big":18446744073709551615,"neg":-9223372036854775808,"n":[127,128,255,256,65535,65536,-32,-33,-129,-32769]}`, 0, 0,
			`{"big":18446744073709551615,"neg":-9223372036854775808,"n":[127,128,255,256,65535,65536,-32,-33,-129,-32769]}`},
		{`{"a":1} trailing`, 0, 0, `{"log":"{\"a\":1} trailing"}`},
		{`{"a":}`, 0, 0, `{"log":"{\"a\":}"}`},
		{`[1]`, 0, 0, `{"log":"[1]"}`},
		{`{"k":"` + strings.Repeat("v", 70000) + `"}`, 0, 0, `{"k":"` + strings.Repeat("v", 70000) + `"}`},
	} {
		for _, version := range []string{"1", "2"} {
			out := filepath.Join(t.TempDir(), "out")
			before := time.Now().Unix()
			code, lines := run(t, compile(t, false), c.line+"\n", "-J", "-v"+version, "-p", "out="+out)
			wantEnd(t, code, lines, 0, "lines=1 chunks=1 ok=1")
			events := readEvents(t, out, false)
			if len(events) != 1 {
				t.Fatalf("%.60s: %d events", c.line, len(events))
			}
			e := events[0]
			var json bytes.Buffer
			if _, err := msgp.UnmarshalAsJSON(&json, e.body); err != nil || json.String() != c.json {
				t.Errorf("%.60s: %.200s, want %.200s (%v)", c.line, json.String(), c.json, err)
			}
			inTime := e.sec == c.sec && e.nsec == c.nsec
			if c.sec == 0 {
				inTime = int64(e.sec) >= before && int64(e.sec) <= time.Now().Unix()
			}
			if !inTime || e.v1 != (version == "1") {
				t.Errorf("%.60s: time %d.%09d, v1 %v", c.line, e.sec, e.nsec, e.v1)
			}
		}
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	size := regexp.MustCompile(`tag=(\S+) size=(\d+)`)
	_, out := run(t, compile(t, false), strings.Repeat(strings.Repeat("x", 999)+"\n", 6000), "-f", "60000")
	sizes := size.FindAllStringSubmatch(strings.Join(out, "\n"), -1)
	if len(sizes) != 3 || len(sizes[0][2]) != 7 || sizes[0][2] < "2048000" || sizes[0][2] > "2050000" {
		t.Errorf("6 MB in chunks of %v", sizes)
	}
	_, out = run(t, compile(t, false), numbers(0, 40), "-T", "4", "-b", "5", "-f", "60000")
	for i := range 4 {
		if n := count(out, fmt.Sprintf("tag=host.%d ", i)); n != 2 {
			t.Errorf("%d chunks of tag host.%d", n, i)
		}
	}
	begin := time.Now()
	_, out = run(t, compile(t, false), numbers(0, 40), "-b", "1", "-r", "50", "-t", "my.tag")
	if took := time.Since(begin); count(out, "tag=my.tag ") != 40 || took < 700*time.Millisecond {
		t.Errorf("%d chunks in %v at 50 a second", count(out, "tag=my.tag "), took)
	}
}
