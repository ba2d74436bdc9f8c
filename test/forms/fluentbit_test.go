package forms

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// limit is how long a test waits for what must come.
const limit = 2 * time.Minute

var builds run.Builds

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := builds.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// example is a configuration of the documents that runs.
type example struct {
	endpoint *sls.Endpoint
	process  *run.TestProcess
}

// startExample runs the configuration that has that text, of a document, against a local
// endpoint with these logstores. replace has pairs of texts, what stands there and what
// stands in its place; more is added to the configuration. The test is skipped
// without Fluent Bit.
func startExample(t *testing.T, document, text string, logstores, replace []string, more string) *example {
	t.Helper()
	binary := run.NeedFluentBit(t, "whether records have the form that SLS reads is not tested")
	plugin, err := builds.Plugin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := sls.Start(sls.Options{Logstores: logstores})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	config := block(t, document, text)
	connection := fmt.Sprintf("endpoint %s\n    access_key_id demo-id\n    access_key_secret demo-secret\n    tls_ca_file %s", e.Addr(), in("ca.pem"))
	for _, pair := range [][2]string{{"${SLS_PROJECT}", "demo-project"}, {"region          ${SLS_REGION}", connection}, {"region           ${SLS_REGION}", connection},
		{"[SERVICE]", "[SERVICE]\n    Flush 0.2\n    Grace 2"}, {"/var/lib/fluent-bit", in("storage")}} {
		config = strings.ReplaceAll(config, pair[0], pair[1])
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(config, replace[i]) {
			t.Fatalf("%s: the example has no %q", document, replace[i])
		}
		config = strings.ReplaceAll(config, replace[i], replace[i+1])
	}
	for name, text := range map[string]string{"fluent-bit.conf": config + more, "ca.pem": string(e.CAPEM())} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &example{e, run.StartTest(t, run.Command{Path: binary, Args: []string{"-e", plugin, "-c", in("fluent-bit.conf")}})}
}

// block returns the indented block of a document that has the text.
func block(t *testing.T, document, text string) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("../../docs", document))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	open := false
	for line := range strings.Lines(string(doc)) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && !open:
			blocks, open = append(blocks, code), true
		case indented:
			blocks[len(blocks)-1] += code
		case strings.TrimSpace(line) == "" && open:
			blocks[len(blocks)-1] += "\n"
		default:
			open = false
		}
	}
	for _, b := range blocks {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("%s has no block with %q", document, text)
	return ""
}

// freePort returns a port of this machine where nothing listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually asks until nothing is wrong.
func eventually(t *testing.T, ask func() (complaint string)) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		complaint := ask()
		if complaint == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", limit, complaint)
		}
	}
}

// stop ends Fluent Bit and looks at its log.
func (x *example) stop(t *testing.T) {
	t.Helper()
	if code := x.process.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
