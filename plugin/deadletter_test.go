package plugin

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/sls"
)

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	at := time.Date(2010, 1, 1, 2, 3, 4, 500, time.FixedZone("", 3600))
	for _, row := range []struct {
		letter deadLetter
		want   string
	}{
		{deadLetter{at, "app.web", "demo", "too large", "", []byte(`{"a":"b"}`)},
			`{"time":"2010-01-01T01:03:04.0000005Z","tag":"app.web","logstore":"demo","reason":"too large","kafka_error":"","record":"{\"a\":\"b\"}"}` + "\n"},
		{deadLetter{at, "tag\xff", "demo", "refused", "INVALID_RECORD", []byte("line\n\"quoted\"")},
			`{"time":"2010-01-01T01:03:04.0000005Z","tag":"tag\ufffd","logstore":"demo","reason":"refused","kafka_error":"INVALID_RECORD","record":"line\n\"quoted\""}` + "\n"},
		{deadLetter{at, "t", "demo", "malformed", "", []byte{0xc1, 0xff}},
			`{"time":"2010-01-01T01:03:04.0000005Z","tag":"t","logstore":"demo","reason":"malformed","kafka_error":"","record_base64":"wf8="}` + "\n"},
	} {
		if got := string(row.letter.append([]byte("before"))); got != "before"+row.want {
			t.Errorf("got  %swant before%s", got, row.want)
		}
	}
}

// What a killed process, or a full disk, left of a line stays a line of its own.
func TestTornLineIsEnded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letters")
	if err := os.WriteFile(file, []byte("one\ntw"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &deadLetterFile{path: file}
	for _, line := range []string{"three\n", "four\n"} {
		if _, err := d.write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "one\ntw\nthree\nfour\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// The file and one older one are all that is kept. What is deleted is counted.
func TestDeadLettersAreBounded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letters")
	deleted, written := 0, 0
	d := &deadLetterFile{path: file, maxBytes: 100, deleted: func(n int) { deleted += n }}
	for range 10 { // three lines fit
		if _, err := d.write([]byte(strings.Repeat("x", 29) + "\n")); err != nil {
			t.Fatal(err)
		}
		written++
		if info, err := os.Stat(file); err != nil || info.Size() > 100 {
			t.Fatalf("%v bytes, %v", info.Size(), err)
		}
	}
	kept := countLines(file) + countLines(file+".1")
	if kept != 4 || deleted != written-kept {
		t.Errorf("%d lines are kept, %d were deleted, of %d", kept, deleted, written)
	}
	again := &deadLetterFile{path: file, maxBytes: 100} // knows the size of what is there
	if _, err := again.write([]byte(strings.Repeat("y", 89) + "\n")); err != nil || countLines(file) != 1 {
		t.Errorf("%v; %d lines", err, countLines(file))
	}
}

func TestDeadLettersSurviveRotation(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "letters")
	d := &deadLetterFile{path: file}
	write := func(line string) {
		if _, err := d.write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	write("two\n")
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	write("three\n")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write("four\n")
	d.partialLine = true // as a full disk leaves it
	write("five\n")
	wantFile(t, file+".1", "one\ntwo\n")
	wantFile(t, file, "four\n\nfive\n")
	d.close()
	if _, err := d.write([]byte("late\n")); err == nil {
		t.Error("written after the end")
	}
	wantFile(t, file, "four\n\nfive\n")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != config.DeadLetterMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func wantFile(t *testing.T, file, want string) {
	t.Helper()
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", filepath.Base(file), got, err, want)
	}
}

// A disk that is full is said, once a minute, and delivery goes on.
func TestDeadLettersOnAFullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		properties["dead_letter_file"] = filepath.Join(t.TempDir(), "letters")
		properties["max_message_bytes"] = "1K"
		o, h := network.startOutput(t, properties)
		o.deadLetterFile.path = "/dev/full" // which no configuration may name
		var err error
		if o.deadLetterFile.file, err = os.OpenFile("/dev/full", os.O_WRONLY, 0); err != nil {
			t.Fatal(err)
		}
		l := newLoad(t, o, e)
		for range 5 {
			l.add(append(events(l.sent, 1, strings.Repeat("x", 2000)), events(l.sent+1, 9, "hello")...), 10)
		}
		l.wantStored(5, 0)
		h.wait("rejected records could not be kept", "/dev/full", "no space left on device")
		if n := h.count("could not be kept"); n != 1 {
			t.Errorf("%d lines about it, want 1", n)
		}
	})
}

// Of what a disk takes a part of before it is full, the whole lines are kept, and count so. In
// real time: the disk is a pipe that takes 64 KiB until a deadline.
func TestDeadLettersOfAWriteThatIsCutShort(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	_, properties := network.startEndpoint(t, sls.Options{})
	properties["dead_letter_file"], properties["max_message_bytes"] = filepath.Join(t.TempDir(), "regular"), "1K"
	o, h := network.startOutput(t, properties)
	file, _ := hangLetters(t, o)
	if err := o.deadLetterFile.file.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	const n = 20
	if r := deliver(t, o, append(events(0, n, strings.Repeat("x", 10_000)), events(n, 1, "hello")...)); r != OK {
		t.Fatalf("result %d", r)
	}
	h.wait("rejected records could not be kept")
	reader, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	held := make([]byte, 1<<20)
	size, err := reader.Read(held)
	if err != nil {
		t.Fatal(err)
	}
	lines := int64(bytes.Count(held[:size], []byte{'\n'}))
	if kept, lost := o.stats.deadLetters.kept.Load(), o.stats.deadLetters.lost.Load(); kept != lines || kept+lost != n || lines == 0 {
		t.Errorf("%d records count as kept, %d as not kept; %d whole lines are in the file", kept, lost, lines)
	}
}

// What cannot be decoded and what is too large is kept, word for word.
func TestDeadLettersOfWhatIsNotSent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		e, properties := network.startEndpoint(t, sls.Options{})
		file := filepath.Join(t.TempDir(), "letters")
		properties["dead_letter_file"], properties["max_message_bytes"] = file, "1K"
		o, h := network.startOutput(t, properties)
		l := newLoad(t, o, e)
		long := strings.Repeat("y", 2000)
		broken := []byte{0x92, 0xc1, 0xff}
		chunk := append(events(0, 3, "hello"), events(3, 1, long)...)
		chunk = append(chunk, events(4, 6, "hello")...)
		chunk = append(chunk, broken...)
		l.add(chunk, 10)
		l.wantStored(1, 0)
		lines := readDeadLetters(t, file)
		if len(lines) != 2 {
			t.Fatalf("dead letters %+v, want 2", lines)
		}
		if got := lines[0]; got.Record != `{"seq":3,"log":"`+long+`"}` || got.Time != "2010-01-01T00:00:00Z" || !strings.Contains(got.Reason, "2018 bytes, allowed are 1024") {
			t.Errorf("dead letter of what is too large: %+v", got)
		}
		if got := lines[1]; got.RecordBase64 != base64.StdEncoding.EncodeToString(broken) || got.Reason == "" || got.Tag != "test.tag" || got.Logstore != "demo" {
			t.Errorf("dead letter of what cannot be decoded: %+v", got)
		}
		h.wait("rejected", "raise max_message_bytes (1024, at most 2097152) or set oversize truncate", "kept in "+file)
	})
}

// A chunk without one readable record is an error, for Fluent Bit's own dead letters.
func TestUnreadableChunk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, network testNetwork) {
		_, properties := network.startEndpoint(t, sls.Options{})
		o, _ := network.startOutput(t, properties)
		if r := deliver(t, o, []byte{0xc1, 0xc1}); r != Error {
			t.Errorf("result %d, want %d", r, Error)
		}
		if r := deliver(t, o, nil); r != OK {
			t.Errorf("result %d of an empty chunk, want %d", r, OK)
		}
	})
}
