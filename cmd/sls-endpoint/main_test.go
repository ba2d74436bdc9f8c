package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/cmd/program"
	testrun "out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// command is a running sls-endpoint.
type command struct {
	t     *testing.T
	addr  string
	lines *bufio.Scanner
	stop  func()
	ended chan error
}

func startCommand(t *testing.T, arguments ...string) *command {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c := &command{t: t, lines: bufio.NewScanner(r), stop: stop, ended: make(chan error, 1)}
	go func() {
		err := run(ctx, arguments, w)
		w.Close()
		c.ended <- err
	}()
	t.Cleanup(func() { stop(); r.Close() })
	first := c.line()
	c.addr, _, _ = strings.Cut(strings.TrimPrefix(first, "listening on "), ",")
	return c
}

func (c *command) line() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the command ended: %v", <-c.ended)
	}
	return c.lines.Text()
}

func (c *command) send(caFile, user, password string, r *kgo.Record) {
	c.t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		c.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addr), kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
		kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()), kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	caFile, out := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "logs.json")
	arguments := []string{"-project", "prj", "-logstore", "app, web", "-access-key-id", "id", "-access-key-secret", "s#t",
		"-shards", "3", "-ca-file", caFile, "-out", out}
	at := time.Unix(1_618_312_000, 987_000_000)
	for range 2 { // the second start goes on with the CA and the file of the first
		c := startCommand(t, arguments...)
		c.send(caFile, "prj", "id#s#t", &kgo.Record{Topic: "app.json", Partition: 2, Timestamp: at, Value: []byte(`{"b":1,"a":"<x>"}`)})
		if got, want := c.line(), `app/2 2021-04-13T11:06:40Z {"b":"1","a":"<x>"}`; got != want {
			t.Errorf("line %s, want %s", got, want)
		}
		c.send(caFile, "prj", "id#s#t", &kgo.Record{Topic: "web", Timestamp: at, Value: []byte("hello\n")})
		if got, want := c.line(), `web/0 2021-04-13T11:06:40Z {"content":"hello\n"}`; got != want {
			t.Errorf("line %s, want %s", got, want)
		}
		c.send(caFile, "prj", "id#s#t", &kgo.Record{Topic: "web", Timestamp: at, Value: []byte("\u009b2J\x1b[2J\x7f\u202e\u200b\U000e0041 汉")})
		if got, want := c.line(), `web/0 2021-04-13T11:06:40Z {"content":"\u009b2J\u001b[2J\u007f\u202e\u200b\udb40\udc41 汉"}`; got != want {
			t.Errorf("line %q, want %q", got, want)
		}
		c.stop()
		for _, want := range []string{"logstore app: 1 logs landed", "logstore web: 2 logs landed"} {
			if got := c.line(); got != want {
				t.Errorf("line %q, want %q", got, want)
			}
		}
		if err := <-c.ended; err != nil {
			t.Errorf("the command ended with %v", err)
		}
	}
	written, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	const once = `{"logstore":"app","shard":2,"__time__":1618312000,"fields":{"b":"1","a":"<x>"}}
{"logstore":"web","shard":0,"__time__":1618312000,"fields":{"content":"hello\n"}}
` + "{\"logstore\":\"web\",\"shard\":0,\"__time__\":1618312000,\"fields\":{\"content\":\"\u009b2J\\u001b[2J\x7f\u202e\u200b\U000e0041 汉\"}}\n"
	if string(written) != once+once {
		t.Errorf("-out holds\n%s\nwant twice\n%s", written, once)
	}
	if key, err := os.Stat(caFile + ".key"); err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the CA's key: %v, %v, want it readable by its owner alone", key.Mode(), err)
	}
}

func TestCommandRefusesWrongFlags(t *testing.T) {
	dir := t.TempDir()
	lone := filepath.Join(dir, "lone.pem")
	if err := os.WriteFile(lone, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		arguments []string
		says      string
	}{
		"unknown flag":    {[]string{"-no-such"}, "-no-such"},
		"argument":        {[]string{"demo"}, `"demo"`},
		"logstore":        {[]string{"-logstore", "demo.json"}, `"demo.json"`},
		"empty logstore":  {[]string{"-logstore", "demo,"}, `""`},
		"same logstore":   {[]string{"-logstore", "demo,demo"}, "twice"},
		"listen":          {[]string{"-listen", "here"}, "-listen here: want host:port, such as 127.0.0.1:9092"},
		"port":            {[]string{"-listen", "127.0.0.1:99999"}, "-listen 127.0.0.1:99999: the port must be"},
		"same address":    {[]string{"-listen", "127.0.0.1:9", "-http", "127.0.0.1:9"}, "-http and -listen"},
		"many shards":     {[]string{"-shards", "1000000"}, "-shards 1000000: want at most"},
		"out of the key":  {[]string{"-ca-file", lone, "-out", lone + ".key"}, "-out"},
		"no shards":       {[]string{"-shards", "0"}, "-shards 0"},
		"out":             {[]string{"-out", filepath.Join(dir, "no", "dir")}, "-out"},
		"ca-file":         {[]string{"-ca-file", filepath.Join(dir, "no", "dir")}, "-ca-file " + filepath.Join(dir, "no", "dir") + ": the key cannot be written to " + filepath.Join(dir, "no", "dir.key") + ": no such file"},
		"ca-file a dir":   {[]string{"-ca-file", dir}, "-ca-file " + dir + ": is a directory"},
		"CA without key":  {[]string{"-ca-file", lone}, lone},
		"empty id":        {[]string{"-access-key-id", ""}, "-access-key-id"},
		"http":            {[]string{"-http", "8080"}, "-http 8080: want host:port, such as 127.0.0.1:8080"},
		"keep":            {[]string{"-keep", "0"}, "-keep 0"},
		"message size":    {[]string{"-max-message-bytes", "-1"}, "-max-message-bytes -1"},
		"byte quota":      {[]string{"-shard-bytes-per-second", "-1"}, "-shard-bytes-per-second -1"},
		"write quota":     {[]string{"-shard-writes-per-second", "-1"}, "-shard-writes-per-second -1"},
		"fault":           {[]string{"-fault", "NO_SUCH"}, "KAFKA_STORAGE_ERROR"},
		"fault's count":   {[]string{"-fault", "NETWORK_EXCEPTION,count=few"}, `"few"`},
		"fault's setting": {[]string{"-fault", "NETWORK_EXCEPTION,cuont=5"}, `"cuont"`},
		"fault's delay":   {[]string{"-fault", "ACK_DELAY"}, "delay"},
		"fault's target":  {[]string{"-fault", "NETWORK_EXCEPTION,logstore=nope"}, `"nope"`},
		"switch's value":  {[]string{"-check-time", "off"}, "-check-time=true"},
		"several at once": {[]string{"-no-such", "-listen", "here"}, "-no-such"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stop() // a command that starts in spite of its flags ends at once
			err := run(ctx, test.arguments, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %q, want %q in it", err, test.says)
			}
			want := program.StatusWrongUse
			if slices.Contains([]string{"out", "ca-file", "ca-file a dir", "CA without key"}, name) { // right, and cannot be had
				want = statusFailed
			}
			var stderr strings.Builder
			if got := status(err, &stderr); got != want || stderr.String() != "sls-endpoint: "+err.Error()+"\n" {
				t.Errorf("status %d, %q, want %d", got, stderr.String(), want)
			}
		})
	}
}

func TestCommandServesThePage(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	c := startCommand(t, "-ca-file", caFile, "-http", "127.0.0.1:0", "-keep", "2", "-fault", "KAFKA_STORAGE_ERROR,count=1")
	url, ok := strings.CutPrefix(c.line(), "page on ")
	if !ok {
		t.Fatalf("the second line does not name the page's address: %s", url)
	}
	for _, value := range []string{"one", "two", "three"} {
		c.send(caFile, "demo-project", "demo-id#demo-secret", &kgo.Record{Topic: "demo", Value: []byte(value)})
		if got := c.line(); !strings.Contains(got, value) {
			t.Errorf("line %s, want %s in it", got, value)
		}
	}
	resp, err := http.Get(url + "json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var shown struct {
		Logstores []struct{ Count int }
		Logs      []struct{ Fields map[string]string }
		Faults    []any
	}
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	if len(shown.Logs) != 2 || shown.Logs[0].Fields["content"] != "three" || shown.Logstores[0].Count != 3 || len(shown.Faults) != 0 {
		t.Errorf("the page shows %+v, want 3 logs landed, the newest two kept, the fault over", shown)
	}
	c.stop()
	if got, want := c.line(), "logstore demo: 3 logs landed"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	if err := <-c.ended; err != nil {
		t.Errorf("the command ended with %v", err)
	}
	if resp, err := http.Get(url); err == nil {
		resp.Body.Close()
		t.Error("the page is served after the end")
	}
}

func TestFlagsReachTheEndpoint(t *testing.T) {
	s, err := parseFlags([]string{"-max-message-bytes", "1", "-shard-bytes-per-second", "2", "-shard-writes-per-second", "3", "-check-time",
		"-keep", "4", "-fault", "CONNECTION_CUT,count=5", "-fault", "ACK_DELAY,delay=6s", "-fault", "NETWORK_EXCEPTION,logstore=demo"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o := s.options
	if o.MaxMessageBytes != 1 || o.Quota != (sls.Quota{Bytes: 2, Writes: 3}) || !o.CheckTime || o.Keep != 4 {
		t.Errorf("options %+v", o)
	}
	want := []sls.Fault{{Name: sls.ConnectionCut, Count: 5}, {Name: sls.AckDelay, Delay: 6 * time.Second}, {Name: "NETWORK_EXCEPTION", Logstore: "demo"}}
	if !slices.Equal(o.Faults, want) {
		t.Errorf("faults %+v, want %+v", o.Faults, want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestCommandEndsWhenItCannotWrite(t *testing.T) {
	if err := run(t.Context(), nil, brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("ended with %v, want the write error", err)
	}
}

// Who takes an address that cannot be had reads which flag it is of, and what to do.
func TestCommandCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const elsewhere = "192.0.2.1:9092" // RFC 5737: an address of nobody
	for _, flag := range []string{"-listen", "-http"} {
		for address, want := range map[string]string{
			taken.Addr().String(): ": another program listens there; stop it, or take another port (0 is any that is free)",
			elsewhere:             ": not an address of this machine",
		} {
			err := run(t.Context(), []string{flag, address}, io.Discard)
			if want = flag + " " + address + want; err == nil || err.Error() != want || status(err, io.Discard) != statusFailed {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

// The first Ctrl-C waits until every line is written; where nobody reads them, the second ends the program.
func TestSecondInterruptEnds(t *testing.T) {
	var builds testrun.Builds
	t.Cleanup(func() { builds.Close() })
	path, err := builds.Go("out_sls_kafka/cmd/sls-endpoint")
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) { // the pipe is full now
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-ca-file", filepath.Join(t.TempDir(), "ca.pem"))
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // how it ends does not matter
	for deadline := time.Now().Add(10 * time.Second); ; {
		select {
		case <-ended:
			return
		case <-time.After(100 * time.Millisecond):
			if _, err := os.Stat(cmd.Args[2]); err != nil {
				continue // it does not listen for signals yet
			}
			if time.Now().After(deadline) {
				_ = cmd.Process.Kill() // it may end just now
				t.Fatal("it still runs after many interrupts")
			}
			_ = cmd.Process.Signal(os.Interrupt) // the same
		}
	}
}

// A profile sets what the documents leave open, and flags after it take precedence.
func TestProfile(t *testing.T) {
	s, err := parseFlags([]string{"-profile", "strict", "-max-message-bytes", "5000"}, io.Discard)
	if err != nil || !s.options.RefuseSASL || s.options.MaxMessageBytes != 5000 || s.options.Behaviour.Codecs == nil {
		t.Errorf("%+v, %v", s.options, err)
	}
	if _, err := parseFlags([]string{"-profile", "other"}, io.Discard); err == nil || !strings.Contains(err.Error(), "lenient, documented, strict") {
		t.Errorf("an unknown profile: %v", err)
	}
}
