package program_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// limit is how long a program may take for what a test waits for.
const limit = time.Minute

// programs are those that people install.
var programs = []string{"sls-check", "sls-endpoint"}

var builds run.Builds

func TestMain(m *testing.M) {
	// As they are installed: without the C library.
	if err := os.Setenv("CGO_ENABLED", "0"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := builds.Close(); err != nil && code == 0 {
		panic(err)
	}
	os.Exit(code)
}

// built is the path of a program, built with the version that a release has.
func built(t *testing.T, name string) (path string) {
	t.Helper()
	path, err := builds.Go("out_sls_kafka/cmd/"+name, "-ldflags", "-X main.version=v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// output runs a program to its end.
func output(t *testing.T, name string, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), built(t, name), arguments...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// help is what a program prints about itself, where it must: on standard output.
func help(t *testing.T, name string) string {
	t.Helper()
	stdout, stderr, status := output(t, name, "-h")
	if status != 0 || stderr != "" {
		t.Fatalf("%s -h: status %d, on standard error %q", name, status, stderr)
	}
	return stdout
}

func TestStatic(t *testing.T) {
	for _, name := range programs {
		f, err := elf.Open(built(t, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		libraries, err := f.ImportedLibraries()
		if err != nil || len(libraries) > 0 {
			t.Errorf("%s needs the libraries %q (%v)", name, libraries, err)
		}
		if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Errorf("%s needs a dynamic linker", name)
		}
	}
}

func TestHelp(t *testing.T) {
	for name, texts := range map[string][]string{
		"sls-check":    {"-c file\n", "-write\n", "(default true)", "-e name=value\n"},
		"sls-endpoint": {"-listen host:port\n", "(default 127.0.0.1:0)", "-max-message-bytes bytes\n", "(default 10485760)", "-keep logs\n"},
	} {
		got := help(t, name)
		rest := got
		for _, want := range []string{name + " ", "\n\nUsage:\n  " + name + " ", "\n\nFlags:\n", "\n\nExit status:\n  0  ", "\n  2  ", "\n\nExamples:\n  # "} {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s -h has no %q, or not in order:\n%s", name, want, got)
				break
			}
			rest = after
		}
		for _, want := range append(texts, "-h\n", "-version\n") {
			if !strings.Contains(got, want) {
				t.Errorf("%s -h has no %q:\n%s", name, want, got)
			}
		}
		for line := range strings.Lines(got) {
			if len(line) > 101 {
				t.Errorf("%s -h has a line of %d bytes: %s", name, len(line)-1, line)
			}
		}
		for _, flag := range []string{"--help", "-help", "--h"} {
			if stdout, stderr, status := output(t, name, flag); stdout != got || stderr != "" || status != 0 {
				t.Errorf("%s %s: status %d, %q, %q; want what -h prints", name, flag, status, stdout, stderr)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	form := regexp.MustCompile(`^\S+ v1\.2\.3, commit ([0-9a-f]{12}|unknown)( with changes)?, go1\.\S+ linux/\w+\n$`)
	for _, name := range programs {
		for _, arguments := range [][]string{{"-version"}, {"--version"}} {
			stdout, stderr, status := output(t, name, arguments...)
			if !form.MatchString(stdout) || !strings.HasPrefix(stdout, name+" ") || stderr != "" || status != 0 {
				t.Errorf("%s %q: status %d, %q, %q", name, arguments, status, stdout, stderr)
			}
		}
	}
}

// Wrong use is one line that says what is wrong and where help is.
func TestWrongUse(t *testing.T) {
	for name, toggle := range map[string]string{"sls-check": "-strict", "sls-endpoint": "-check-time"} {
		for arguments, want := range map[string]string{
			"-no-such":        "unknown flag -no-such",
			"--no-such=1":     "unknown flag -no-such",
			"-no-such -h":     "unknown flag -no-such",
			toggle + "=2x":    `"2x" for ` + toggle + ": want true or false",
			toggle + " true":  `unexpected argument "true": write ` + toggle + "=true",
			"nothing-of-this": "unexpected argument",
		} {
			stdout, stderr, status := output(t, name, strings.Fields(arguments)...)
			if status != 2 || stdout != "" || !strings.HasPrefix(stderr, name+": ") || !strings.Contains(stderr, want) ||
				!strings.HasSuffix(stderr, "; "+name+" -h lists the flags\n") || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s %s: status %d, %q, %q; want one line with %q", name, arguments, status, stdout, stderr, want)
			}
		}
	}
}

// examples are the command lines that a program's help shows.
func examples(t *testing.T, name string) (commands []string) {
	t.Helper()
	_, text, _ := strings.Cut(help(t, name), "\nExamples:\n")
	for line := range strings.Lines(text) {
		if command, found := strings.CutPrefix(line, "  "+name+" "); found {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	if len(commands) < 3 {
		t.Fatalf("%s -h shows %d examples: %q", name, len(commands), commands)
	}
	return commands
}

// Each example of sls-check does what it says, in a directory with a configuration that is fine, to a logstore that is
// there.
func TestExamplesOfCheck(t *testing.T) {
	dir := t.TempDir()
	endpoint, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer endpoint.Close()
	options := map[string]string{
		"name": "sls_kafka", "match": "*", "project": "demo-project", "logstore": "${SLS_LOGSTORE:-demo}", "endpoint": endpoint.Addr(),
		"tls_ca_file": filepath.Join(dir, "ca.pem"), "access_key_id": "demo-id", "access_key_secret": "demo-secret", "retry_limit": "no_limits",
	}
	classic, yaml := "[OUTPUT]\n", "pipeline:\n  outputs:\n    - match: '*'\n"
	for key, value := range options {
		classic += "    " + key + " " + value + "\n"
		if key != "match" {
			yaml += "      " + key + ": " + value + "\n"
		}
	}
	for file, text := range map[string]string{"ca.pem": string(endpoint.CAPEM()), "fluent-bit.conf": classic, "fluent-bit.yaml": yaml} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, example := range examples(t, "sls-check") {
		p := run.StartTest(t, run.Command{Path: built(t, "sls-check"), Args: strings.Fields(example), Dir: dir})
		said := "1 output of sls_kafka: 0 errors, 0 warnings"
		if strings.Contains(example, "-probe") {
			said = " experiments: "
		}
		if status := p.Wait(limit); status != 0 || p.Count(said) != 1 {
			t.Errorf("sls-check %s: status %d\n%s", example, status, p.Output())
		}
		if online := strings.Contains(example, "-online"); online != (p.Count("topic  ok") == 1) {
			t.Errorf("sls-check %s: the way to the logstore was walked: %v\n%s", example, !online, p.Output())
		}
	}
}

// Each example of sls-endpoint serves until it is interrupted, with free ports in place of those it names.
func TestExamplesOfEndpoint(t *testing.T) {
	port := regexp.MustCompile(`(127\.0\.0\.1):\d+`)
	for _, example := range examples(t, "sls-endpoint") {
		p := run.StartTest(t, run.Command{Path: built(t, "sls-endpoint"), Args: strings.Fields(port.ReplaceAllString(example, "$1:0")), Dir: t.TempDir()})
		p.Await("listening on 127.0.0.1:", 1, limit)
		if strings.Contains(example, "-http") {
			p.Await("page on http://127.0.0.1:", 1, limit)
		}
		p.Signal(syscall.SIGINT)
		if status := p.Wait(limit); status != 0 || p.Count(" 0 logs landed") == 0 {
			t.Errorf("sls-endpoint %s: status %d\n%s", example, status, p.Output())
		}
	}
}
