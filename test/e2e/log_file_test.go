package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// What the plugin logs reaches Fluent Bit's log file within seconds, although no
// flush ever comes, says by its alias which output it is from, obeys log_level, and
// is nowhere else.
func TestLogFileOfIdleOutput(t *testing.T) {
	t.Parallel()
	eachHost(t, testLogFile)
	for _, define := range []string{"-DHOST_VERSION=10910", "-DHOST_VERSION=20203", "-DHOST_WITHOUT_CO_SWITCH"} {
		t.Run("bundled host "+define, func(t *testing.T) { testLogFile(t, bundled(t, define)) })
	}
}

func testLogFile(t *testing.T, h host) {
	t.Parallel()
	e := startEndpoint(t, sls.Options{})
	section := func(more string) string {
		return strings.Replace(outputSection(t, e, more), "demo-secret", "wrong", 1)
	}
	loud, quiet := section("    Alias team-a\n"), section("    Log_Level off\n    Alias team-b\n")
	file := filepath.Join(t.TempDir(), "fluent-bit.log")
	service, args := "    Log_File "+file, []string{}
	if h.bundled {
		service, args = "", []string{"-l", file}
	}
	if !h.perOutputLevel() {
		quiet = ""
	}
	start := time.Now()
	j := h.startJob(t, func(file string) string { return tailConfig(t, file, service, "", loud, quiet) }, args...)
	const want = "[error] [output:sls_kafka:team-a] "
	logged := func() string {
		b, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(b)
	}
	for !strings.Contains(logged(), want) {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("the log file does not hold %q:\n%s", want, logged())
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("the line was there after %v", time.Since(start))
	time.Sleep(4 * time.Second) // lines that no thread came for went to stderr after three
	if code := j.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if out := j.out.String(); strings.Contains(out, "output:sls_kafka") {
		t.Error("a line is not in the log file alone")
	}
	if text := logged(); !strings.Contains(text, "[output:sls_kafka:team-a] stopped: ") || strings.Contains(text, "team-b") {
		t.Errorf("log file:\n%s", text)
	}
}
