package main

import (
	"strconv"
	"strings"
	"testing"

	"out_sls_kafka/test/hostile"
)

// wantPlain checks that a report has no character that is not seen, and no line that begins with a text of others.
func wantPlain(t *testing.T, report string) {
	t.Helper()
	for line := range strings.Lines(report) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsPrint(r) }) || strings.HasPrefix(line, "[") || len(line) > 4<<10 {
			t.Errorf("a line of %d bytes: %.200q", len(line), line)
		}
	}
}

// outputToHostile writes a configuration with an output to a broker that means harm.
func outputToHostile(t *testing.T, mode string) (file string) {
	t.Helper()
	b, err := hostile.Start(hostile.Options{Mode: hostile.Find(mode), N: hostile.Find(mode).N})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	file, _ = outputOf(t, b, map[string]string{"endpoint": "localhost:PORT", "ip_family": "v4", "dial_timeout": "1s", "request_timeout": "1s"})
	return file
}

// Who answers at the endpoint, with a certificate of nobody, writes no line of the report.
func TestForgedReport(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"certificate names": `a.example\n[2026/11/26 00:00:00.000000000] [ info] [output:es:es.0] FORGED\x1b[2J\x1b]0;owned\a, issued by evil\n[2026`,
		"refusal":           `SASL_AUTHENTICATION_FAILED`,
		"long refusal":      "bytes more]",
		"host name":         `evil\n[2026`,
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			file := outputToHostile(t, mode)
			report, status := diagnose(t, "-online", "-c", file)
			if status != statusErrors || !strings.Contains(report, want) {
				t.Errorf("status %d, no %q in\n%s", status, want, report)
			}
			wantPlain(t, report)
		})
	}
}

// Nor does a configuration: keys of any text, values that come from a file, names of files.
func TestForgedConfiguration(t *testing.T) {
	t.Parallel()
	yaml := "pipeline:\n  outputs:\n    - name: sls_kafka\n      match: '*'\n      project: \"a\\n[2026] [error] forged\\x1b[2J\"\n      \"foo\\n[2026] [error] \\x1b]0;owned\\a\": x\n      tls.verify: off\n" +
		"      compression: '" + strings.Repeat("A", 30_000) + "'\n"
	report, status := diagnose(t, "-c", writeFile(t, "a\n[2026] forged.yaml", yaml))
	if status != statusErrors || !strings.Contains(report, `foo\n[2026] [error] \x1b]0;owned\a is not an option`) || !strings.Contains(report, "bytes more]") {
		t.Errorf("status %d:\n%s", status, report)
	}
	wantPlain(t, report)
}

// A report of a probe is made to be published: a broker that repeats the password, or forges a line, does not get into it.
func TestProbeOfHostileBroker(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"refusal with the password", "password in other letters", "mechanism", "host name", "topic names", "refused records", "certificate of long names", "challenge after challenge", "another cluster each time"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			file := outputToHostile(t, mode)
			stdout, stderr, _ := probeWith(t, credentials, "-c", file, "-logstore", "probe-here", "-yes", "-sizes=false", "-wait", "1s", "-other-endpoint", "none")
			if report := stdout + stderr; hostile.Reveals(report, "demo-secret") || strings.Contains(stdout, "demo-project") {
				t.Errorf("it shows too much:\n%s", report)
			}
			wantPlain(t, stdout+stderr)
		})
	}
}

// Nor does what is written without a look at it, as a probe's report is.
func TestPrinterWritesPlainText(t *testing.T) {
	var out strings.Builder
	p := &printer{w: &out}
	if n, err := p.Write([]byte("a\x1b[2J\u202eb\nc\rd\n")); n != 14 || err != nil || out.String() != `a\x1b[2J\u202eb`+"\n"+`c\rd`+"\n" {
		t.Errorf("%d, %v, %q", n, err, out.String())
	}
}
