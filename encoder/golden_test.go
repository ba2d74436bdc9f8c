package encoder

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write the results of the encoder into testdata/golden")

// A golden file has these lines:
//
//	# text                      a comment
//	options {"TimeKey":"t"}     for New, as JSON
//	chunk d7 00 …  # text       hex, several lines are one chunk
//	record SEC.NSEC [key K] [route R] VALUE
//	reject OFFSET+LENGTH [at SEC.NSEC] [RECORD] error: TEXT
//
// The last two are the expected results; -update writes them again.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, options, chunk := parseGolden(t, string(text))
			e, err := New(options)
			if err != nil {
				t.Fatal(err)
			}
			var b Batch
			e.Append(&b, chunk, "kube.app")
			got := describe(t, e, &b)
			if *update {
				if err := os.WriteFile(file, []byte(input+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func parseGolden(t *testing.T, text string) (input, want string, options Options, chunk []byte) {
	t.Helper()
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "record", "reject":
			want += line
			continue
		case "options":
			decoder := json.NewDecoder(strings.NewReader(rest))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&options); err != nil {
				t.Fatal(err)
			}
		case "chunk":
			digits, _, _ := strings.Cut(rest, "#")
			digits = strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, digits)
			data, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatal(err)
			}
			chunk = append(chunk, data...)
		case "#", "":
		default:
			t.Fatalf("unknown word %q", word)
		}
		input += line
	}
	return input, want, options, chunk
}

// describe returns the batch as the lines of a golden file, and checks what must
// hold for every batch.
func describe(t *testing.T, e *Encoder, b *Batch) string {
	t.Helper()
	var out bytes.Buffer
	for _, r := range b.Records {
		fmt.Fprintf(&out, "record %d.%09d ", r.Sec, r.Nsec)
		if key := b.Bytes(r.Key); len(key) > 0 {
			fmt.Fprintf(&out, "key %q ", key)
		}
		if route := b.Bytes(r.Route); len(route) > 0 {
			fmt.Fprintf(&out, "route %q ", route)
		}
		value := b.Bytes(r.Value)
		if e.opts.Format == FormatRaw {
			fmt.Fprintf(&out, "%q\n", value)
			continue
		}
		if !json.Valid(value) {
			t.Errorf("not JSON: %q", value)
		}
		fmt.Fprintf(&out, "%s\n", value)
	}
	for _, r := range b.Rejects {
		fmt.Fprintf(&out, "reject %d+%d ", r.Offset, r.Length)
		if r.Sec != 0 || r.Nsec != 0 {
			fmt.Fprintf(&out, "at %d.%09d ", r.Sec, r.Nsec)
		}
		if record := b.Bytes(r.Record); len(record) > 0 {
			fmt.Fprintf(&out, "%s ", record)
		}
		fmt.Fprintf(&out, "error: %v\n", r.Err)
	}
	return out.String()
}
