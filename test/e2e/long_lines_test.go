package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/example"
	"out_sls_kafka/test/sls"
)

// With the shipped example a long line stops nothing: one that a record can hold lands, one that it cannot is kept, one
// that tail cannot hold is left out alone, and what comes after each lands.
func TestExampleAndLongLines(t *testing.T) {
	text, err := os.ReadFile("../../fluent-bit.conf.example")
	if err != nil {
		t.Fatal(err)
	}
	eachHost(t, func(t *testing.T, h host) {
		if h.bundled {
			t.Skip("the bundled host has no tail of its own")
		}
		e := startEndpoint(t, sls.Options{})
		dir := t.TempDir()
		ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "app.log")
		if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		lines := []string{"before", strings.Repeat("L", 100_000), "between", strings.Repeat("R", 1_200_000), strings.Repeat("T", 5_000_000), "after"}
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := example.Config(string(text), e.Addr(), ca)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"SLS_PROJECT": "demo-project", "SLS_LOGSTORE": "demo", "SLS_ACCESS_KEY_ID": "demo-id",
			"SLS_ACCESS_KEY_SECRET": "demo-secret", "LOG_PATH": file, "STORAGE_PATH": filepath.Join(dir, "made", "storage")} {
			t.Setenv(k, v)
		}
		p := h.start(t, config)
		landed := func() (short []string, long bool) {
			for _, l := range e.Logs("demo") {
				for _, f := range l.Fields() {
					switch {
					case f.Key != "log":
					case f.Value == lines[1]:
						long = true
					default:
						short = append(short, f.Value)
					}
				}
			}
			return short, long
		}
		await := func(n int) {
			t.Helper()
			for end := time.Now().Add(30 * time.Second); e.Count("demo") < n; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					short, long := landed()
					t.Fatalf("landed: %.200q, the line of 100,000 bytes: %v; want %d", short, long, n)
				}
			}
		}
		await(4)
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("appended later\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		await(5)
		if short, long := landed(); strings.Join(short, ", ") != "before, between, after, appended later" || !long {
			t.Errorf("landed: %.200q, the line of 100,000 bytes: %v", short, long)
		}
		p.await("; kept in "+filepath.Join(dir, "made", "storage", "rejected.jsonl"), 1, 30*time.Second)
		kept, err := os.ReadFile(filepath.Join(dir, "made", "storage", "rejected.jsonl"))
		if err != nil || strings.Count(string(kept), lines[3]) != 1 {
			t.Errorf("%d bytes are kept, without the line of 1.2 MB: %v", len(kept), err)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}
