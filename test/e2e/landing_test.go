package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// lineTime is the time of line n: years ago, and its own.
func lineTime(n int) time.Time {
	return time.Date(2015, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * 1001 * time.Millisecond)
}

// feed writes lines from..to-1, each with its number and its own time.
func feed(t *testing.T, w io.Writer, from, to int) {
	t.Helper()
	b := bufio.NewWriter(w)
	for n := from; n < to; n++ {
		at := lineTime(n)
		fmt.Fprintf(b, "@%d.%03d n=%d 203.0.113.7 - - \"GET /index.html?id=%d HTTP/1.1\" 200 5316 \"-\" \"Mozilla/5.0\"\n",
			at.Unix(), at.Nanosecond()/1e6, n, n)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
}

// job is a host at work on lines that the test feeds it: Fluent Bit tails a
// file, the bundled host reads its standard input.
type job struct {
	*process
	input io.WriteCloser
}

func (h host) startJob(t *testing.T, config func(file string) string, args ...string) *job {
	t.Helper()
	file := filepath.Join(t.TempDir(), "access.log")
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if h.bundled {
		p := h.start(t, config(file), append([]string{"-t", "test"}, args...)...)
		return &job{p, p.in}
	}
	return &job{h.start(t, config(file), args...), f}
}

// parsers makes Fluent Bit take a line's time from its beginning, as the
// bundled host does on its own.
const parsers = `
[PARSER]
    Name        timed
    Format      regex
    Regex       ^@(?<time>[^ ]+) (?<log>.*)$
    Time_Key    time
    Time_Format %s.%L
`

// tailConfig is a configuration that tails file; service and input are lines
// added to those sections, outputs whole sections.
func tailConfig(t *testing.T, file, service, input string, outputs ...string) string {
	t.Helper()
	dir := t.TempDir()
	parserFile := filepath.Join(dir, "parsers.conf")
	if err := os.WriteFile(parserFile, []byte(parsers), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`[SERVICE]
    Flush         0.2
    Grace         2
    Parsers_File  %s
%s
[INPUT]
    Name            tail
    Path            %s
    Parser          timed
    Tag             test
    Read_from_Head  on
    Refresh_Interval 1
    Mem_Buf_Limit   100M
%s
%s
`, parserFile, service, file, input, strings.Join(outputs, "\n"))
}

// outputSection sends what the tag test begins to the endpoint, and tries again soon; more
// are lines added to it.
func outputSection(t *testing.T, e *sls.Endpoint, more string) string {
	t.Helper()
	return sectionTo(t, e.Addr(), e.CAPEM(), "    retry_backoff     100ms\n    retry_backoff_max 1s\n"+more)
}

// sectionTo sends what the tag test begins to a host:port that has a certificate of that
// authority; more are lines added to it.
func sectionTo(t *testing.T, address string, caPEM []byte, more string) string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, caPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`[OUTPUT]
    Name              sls_kafka
    Match             test*
    project           demo-project
    logstore          demo
    endpoint          %s
    access_key_id     demo-id
    access_key_secret demo-secret
    tls_ca_file       %s
    Retry_Limit       no_limits
%s
`, address, ca, more)
}

func startEndpoint(t *testing.T, o sls.Options) *sls.Endpoint {
	t.Helper()
	e, err := sls.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// landed is what stands in the logstore, by line number.
type landed struct {
	unique     int
	duplicates int
	missing    []int // the first few
	times      map[int]time.Time
}

func (l landed) String() string {
	return fmt.Sprintf("%d unique, %d duplicates, missing %v", l.unique, l.duplicates, l.missing)
}

// awaitLines waits until lines 0..n-1 are there, or limit passes, and counts.
func awaitLines(t *testing.T, e *sls.Endpoint, n int, limit time.Duration) landed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	want := n
	for {
		err := e.WaitCount(ctx, "demo", want)
		l := countLines(t, e, n)
		if l.unique >= n || err != nil {
			return l
		}
		want = e.Count("demo") + 1 // duplicates stood for missing lines
	}
}

func countLines(t *testing.T, e *sls.Endpoint, n int) landed {
	t.Helper()
	l := landed{times: make(map[int]time.Time, n)}
	for _, log := range e.Logs("demo") {
		number := lineNumber(t, log)
		if _, again := l.times[number]; again {
			l.duplicates++
		}
		l.times[number] = log.Time
	}
	l.unique = len(l.times)
	for i := 0; i < n && len(l.missing) < 5; i++ {
		if _, ok := l.times[i]; !ok {
			l.missing = append(l.missing, i)
		}
	}
	return l
}

// lineNumber finds the n=… of a line in the record's field log.
func lineNumber(t *testing.T, log sls.Log) int {
	t.Helper()
	var record struct {
		Log string `json:"log"`
	}
	if err := json.Unmarshal(log.Value, &record); err != nil {
		t.Fatalf("record %q: %v", log.Value, err)
	}
	rest, ok := strings.CutPrefix(record.Log, "n=")
	digits, _, _ := strings.Cut(rest, " ")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil {
		t.Fatalf("record without a line number: %q", log.Value)
	}
	return number
}

// wantAll fails unless every line landed exactly once with its own time.
func wantAll(t *testing.T, l landed, n int) {
	t.Helper()
	t.Logf("%d lines: %v", n, l)
	if l.unique != n || l.duplicates != 0 {
		t.Errorf("of %d lines: %v", n, l)
	}
	for number, at := range l.times {
		if want := lineTime(number); !at.Equal(want) {
			t.Errorf("line %d has time %v, want %v", number, at.UTC(), want)
			break
		}
	}
}

func waitCount(t *testing.T, e *sls.Endpoint, n int) {
	t.Helper()
	waitLogstore(t, e, "demo", n)
}

func waitLogstore(t *testing.T, e *sls.Endpoint, logstore string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.WaitCount(ctx, logstore, n); err != nil {
		t.Fatal(err)
	}
}
