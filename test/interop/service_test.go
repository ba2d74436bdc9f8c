package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// What Alibaba's page calls SLS_PROJECT, SLS_LOGSTORE and the halves of SLS_PASSWORD, with its own examples.
const (
	project         = "aliyun-project-test"
	logstore        = "test-logstore"
	accessKeyID     = "LTAI5tInterop"
	accessKeySecret = "yourAccessKeySecret"
	password        = accessKeyID + "#" + accessKeySecret
)

// service is an endpoint with one logstore, and the files a client needs to trust it.
type service struct {
	*sls.Endpoint
	t       *testing.T
	dir     string
	ca      string // file with the endpoint's certificate authority
	started time.Time
}

// authority issues the certificates of all services.
var authority = sync.OnceValues(func() (*sls.CA, error) { return sls.NewCA() })

func startService(t *testing.T) *service {
	t.Helper()
	ca, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	e, err := sls.Start(sls.Options{
		CA:      ca,
		Project: project, AccessKeyID: accessKeyID, AccessKeySecret: accessKeySecret, Logstores: []string{logstore},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	s := &service{Endpoint: e, t: t, dir: t.TempDir(), started: time.Now()}
	s.ca = s.write("ca.pem", string(e.CAPEM()))
	return s
}

// write makes a file in the service's own directory.
func (s *service) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// env is the environment of docs/migrate.md. SSL_CERT_FILE takes the place of the system's certificate authorities for
// OpenSSL and Go.
func (s *service) env() []string {
	return []string{
		"SLS_KAFKA_ENDPOINT=" + s.Addr(),
		"SLS_PROJECT=" + project,
		"SLS_LOGSTORE=" + logstore,
		"SLS_PASSWORD=" + password,
		"SLS_ACCESS_KEY_ID=" + accessKeyID,
		"SLS_ACCESS_KEY_SECRET=" + accessKeySecret,
		"SSL_CERT_FILE=" + s.ca,
	}
}

// fill puts values for the placeholders of Alibaba's page.
func (s *service) fill(text, topic string) string {
	return strings.NewReplacer(
		"SLS_KAFKA_ENDPOINT", s.Addr(),
		"SLS_PROJECT", project,
		"SLS_LOGSTORE", topic,
		"SLS_PASSWORD", password,
	).Replace(text)
}

// await waits until n logs have landed and returns all that have.
func (s *service) await(n int, limit time.Duration) []sls.Log {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := s.WaitCount(ctx, logstore, n); err != nil {
		s.t.Fatal(err)
	}
	return s.Logs(logstore)
}

// fieldsOf are a log's fields by name.
func fieldsOf(t *testing.T, log sls.Log) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for _, f := range log.Fields() {
		if _, again := fields[f.Key]; again {
			t.Errorf("field %q appears twice in %s", f.Key, log.Value)
		}
		fields[f.Key] = f.Value
	}
	return fields
}

// awaitLog waits for a log with these fields among whatever lands.
func (s *service) awaitLog(fields map[string]string, limit time.Duration) sls.Log {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for n := 1; ; n++ {
		if err := s.WaitCount(ctx, logstore, n); err != nil {
			for _, log := range s.Logs(logstore) {
				s.t.Logf("landed: %s", log.Value)
			}
			s.t.Fatalf("no log with %v: %v", fields, err)
		}
		logs := s.Logs(logstore)
		for _, log := range logs[n-1:] {
			if missing(fieldsOf(s.t, log), fields) == "" {
				return log
			}
		}
		n = len(logs)
	}
}

// missing says what of want a log's fields lack; "*" stands for any value but none.
func missing(got, want map[string]string) string {
	for key, value := range want {
		found, ok := got[key]
		switch {
		case !ok:
			return fmt.Sprintf("no field %q in %v", key, got)
		case value == "*" && found == "":
			return fmt.Sprintf("field %q is empty", key)
		case value != "*" && found != value:
			return fmt.Sprintf("field %q is %q, want %q", key, found, value)
		}
	}
	return ""
}

// wantFields fails unless the log has these fields with these values.
func wantFields(t *testing.T, log sls.Log, want map[string]string) {
	t.Helper()
	if lacks := missing(fieldsOf(t, log), want); lacks != "" {
		t.Error(lacks)
	}
}

// wantContent fails unless the log is one field content, and returns it decoded.
func wantContent(t *testing.T, log sls.Log) any {
	t.Helper()
	got := fieldsOf(t, log)
	content, ok := got["content"]
	if !ok || len(got) != 1 {
		t.Fatalf("fields %v, want content alone", got)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(content)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("content %q: %v", content, err)
	}
	return value
}

// wantTime fails unless __time__ is at, or where at is zero, a moment of this test.
func (s *service) wantTime(log sls.Log, at time.Time) {
	s.t.Helper()
	if !at.IsZero() {
		if !log.Time.Equal(at.Truncate(time.Millisecond)) {
			s.t.Errorf("time %v, want %v", log.Time.UTC(), at.UTC())
		}
		return
	}
	if log.Time.Before(s.started.Add(-time.Second)) || log.Time.After(time.Now().Add(time.Second)) {
		s.t.Errorf("time %v, want one between %v and now", log.Time.UTC(), s.started.UTC())
	}
}
