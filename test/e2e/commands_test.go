package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/run"
)

// Every command that docs/tools.md shows of the local endpoint does there what the page says, in the order of the page
// and with free ports in place of those it names.
func TestCommandsOfToolsPage(t *testing.T) {
	t.Parallel()
	if len(binaries.fluents) == 0 {
		t.Skip("no Fluent Bit: the commands of docs/tools.md are not run")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl on PATH: the commands of docs/tools.md are not run")
	}
	s := newToolsPage(t, binaries.fluents[len(binaries.fluents)-1].path, curl)
	for _, command := range pageCommands(t) {
		s.run(t, command)
	}
	if s.curls < 9 || s.endpoints != 3 {
		t.Errorf("the page has %d commands with curl and %d with sls-endpoint, want 9 or more and 3", s.curls, s.endpoints)
	}
}

// pageCommands are the commands of the page's part about the endpoint: lines that are indented, with those that continue
// them.
func pageCommands(t *testing.T) (commands []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## sls-endpoint\n")
	if !found {
		t.Fatal("docs/tools.md has no part about sls-endpoint")
	}
	for line := range strings.Lines(strings.ReplaceAll(part, "\\\n", " ")) {
		if command, indented := strings.CutPrefix(line, "    "); indented {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}

// toolsPage is the directory in which somebody types the commands of the page.
type toolsPage struct {
	dir              string
	ports            *strings.Replacer
	env              []string
	endpoint         *run.TestProcess
	curls, endpoints int
}

func newToolsPage(t *testing.T, fluentBit, curl string) *toolsPage {
	t.Helper()
	s := &toolsPage{dir: t.TempDir()}
	s.ports = strings.NewReplacer("127.0.0.1:9092", fmt.Sprintf("127.0.0.1:%d", freePort(t)), "127.0.0.1:8080", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	endpoint := filepath.Join(s.dir, "sls-endpoint")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", endpoint, "out_sls_kafka/cmd/sls-endpoint").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, target := range map[string]string{"fluent-bit": fluentBit, "out_sls_kafka.so": binaries.plugin} {
		if err := os.Symlink(target, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// A refusal of the page's server is a failure of the command.
	wrapper := fmt.Sprintf("#!/bin/sh\nexec '%s' --fail --silent --show-error \"$@\"\n", curl)
	if err := os.WriteFile(filepath.Join(s.dir, "curl"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + s.dir + ":" + os.Getenv("PATH")}
	return s
}

// start begins a command that does not end by itself.
func (s *toolsPage) start(t *testing.T, command string) *run.TestProcess {
	t.Helper()
	return run.StartTest(t, run.Command{Path: "/bin/sh", Args: []string{"-c", "exec " + s.ports.Replace(command)}, Env: s.env, Dir: s.dir})
}

func (s *toolsPage) run(t *testing.T, command string) {
	t.Helper()
	command, _, _ = strings.Cut(command, " #")
	switch program, rest, _ := strings.Cut(strings.TrimSpace(command), " "); program {
	case "make":
		makefile, err := os.ReadFile("../../Makefile")
		if err != nil {
			t.Fatal(err)
		}
		if rest != "" && !strings.Contains(string(makefile), "\n"+rest+":") {
			t.Errorf("the Makefile has no target %s", rest)
		}
	case "export":
		s.env = append(s.env, strings.Fields(rest)...)
	case "sls-endpoint":
		s.endpoints++
		p := s.start(t, command)
		p.Await("listening on 127.0.0.1:", 1, time.Minute)
		if strings.Contains(command, "-http") {
			s.endpoint = p
		}
	case "fluent-bit":
		s.start(t, command)
		s.endpoint.Await("demo/", 3, time.Minute) // three logs for the curl that shows them
	case "curl":
		s.curl(t, command)
	case "kcat":
		if _, err := exec.LookPath("kcat"); err != nil {
			t.Logf("no kcat on PATH, not run (Debian: kcat): %s", command)
			return
		}
		s.start(t, command).Await(`"path"`, 1, time.Minute)
	default:
		t.Errorf("docs/tools.md has a command that this test does not know: %s", command)
	}
}

// curl runs a command, which answers with what it is about: logs, the faults that are on, a logstore's shards.
func (s *toolsPage) curl(t *testing.T, command string) {
	t.Helper()
	s.curls++
	out, fault, off := s.shell(t, command), faultName.FindString(command), strings.Contains(command, "-X DELETE")
	switch {
	case strings.Contains(command, "/json?"):
		if n := strings.Count(out, `"status"`); n != 3 {
			t.Errorf("%s: %d logs, want 3:\n%s", command, n, out)
		}
	case strings.Contains(command, "/shards"):
		if !strings.Contains(out, `"shards":[`) {
			t.Errorf("%s: %s", command, out)
		}
	case fault != "" && strings.Contains(out, fault) == off:
		t.Errorf("%s: the faults that are on then are %s", command, out)
	case off && fault == "" && faultName.MatchString(out):
		t.Errorf("%s: still on: %s", command, out)
	}
}

// faultName is how the page writes the name of a fault.
var faultName = regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`)

func (s *toolsPage) shell(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", s.ports.Replace(command))
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
