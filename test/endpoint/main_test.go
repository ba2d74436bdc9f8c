package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// command is a running endpoint command.
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
		err := run(ctx, arguments, w, io.Discard)
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
		c.stop()
		for _, want := range []string{"logstore app: 1 logs landed", "logstore web: 1 logs landed"} {
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
`
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
		"listen":          {[]string{"-listen", "here"}, `"here"`},
		"no shards":       {[]string{"-shards", "0"}, "-shards 0"},
		"out":             {[]string{"-out", filepath.Join(dir, "no", "dir")}, "-out"},
		"ca-file":         {[]string{"-ca-file", filepath.Join(dir, "no", "dir")}, "-ca-file"},
		"CA without key":  {[]string{"-ca-file", lone}, lone},
		"empty id":        {[]string{"-access-key-id", ""}, "-access-key-id"},
		"several at once": {[]string{"-no-such", "-listen", "here"}, "-no-such"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stop() // a command that starts in spite of its flags ends at once
			var stderr strings.Builder
			err := run(ctx, test.arguments, io.Discard, &stderr)
			if err == nil {
				t.Fatal("no error")
			}
			if said := err.Error() + stderr.String(); !strings.Contains(said, test.says) {
				t.Errorf("it says %q, want %q in it", said, test.says)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestCommandEndsWhenItCannotWrite(t *testing.T) {
	if err := run(t.Context(), nil, brokenWriter{}, io.Discard); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("ended with %v, want the write error", err)
	}
}
