package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandsRunBy says of the commands that the documents show who runs them, by how they begin: a test, or a person, or
// nobody and why.
var commandsRunBy = []struct{ begins, by string }{
	{"fluent-bit -e ./out_sls_kafka.so -c fluent-bit.conf.example", "test/e2e.TestExampleConfiguration"},
	{"fluent-bit -e ./out_sls_kafka.so -c fluent-bit.conf", "test/interop.TestMigrate"},
	{"fluent-bit -e ./out_sls_kafka.so -f 1 ", "test/e2e.TestCommandsOfToolsPage"},
	{"fluent-bit -e /usr/lib/fluent-bit/out_sls_kafka.so", "by hand in a Debian 12, 26 Nov 2026"},
	{"fluent-bit -e ./out_sls_kafka.so --dry-run", "test/e2e.TestDryRun"},

	{"sls-check -probe", "cmd/program.TestExamplesOfCheck"},
	{"sls-check -c shop.conf", "cmd/sls-check.TestDocument"},
	{"sls-check -c /etc/fluent-bit/fluent-bit.conf", "test/packages.TestUnitShipsLines"},
	{"sls-check -c f", "cmd/program.TestExamplesOfCheck"},
	{"sls-check -online", "cmd/program.TestExamplesOfCheck"},
	{"sls-check -e NAME=value", "cmd/program.TestExamplesOfCheck"},
	{"sls-check -h", "cmd/program.TestHelp"},
	{"sls-endpoint -h", "cmd/program.TestHelp"},
	{"sls-endpoint -", "test/e2e.TestCommandsOfToolsPage"},
	{"curl -s http://127.0.0.1:2020/", "test/e2e.TestMetricsAfterRecords"},
	{"curl -s localhost:2020/", "test/e2e.TestMetricsAfterRecords"},
	{"curl ", "test/e2e.TestCommandsOfToolsPage"},
	{"kcat ", "test/e2e.TestCommandsOfToolsPage"},

	{"sha256sum --check", "by hand on a release made by make dist, 26 Nov 2026"},
	{"apt-get install ./fluent-bit-sls-kafka", "by hand in a Debian 12, 26 Nov 2026"},
	{"vi /etc/fluent-bit/sls-kafka.env", "test/packages.TestUnitShipsLines"},
	{"cp /usr/share/fluent-bit-sls-kafka/", "test/packages.TestUnitShipsLines"},
	{"systemctl ", "nobody: needs a system that systemd started; test/packages.TestUnitShipsLines runs what the unit says"},
	{"set -a; . /etc/fluent-bit/sls-kafka.env; sls-check", "by hand in a Debian 12, 26 Nov 2026"},
	{"install -D -m 0644 out_sls_kafka", "by hand in a Debian 12, 26 Nov 2026"},
	{"rpm --root --nodeps", "test/packages.TestRPMInstalls"},

	{"docker build --target plugin", "test/deploy.TestPluginImageCopiesThePlugin"},
	{"docker build", "test/deploy.TestEngineRunsImage"},
	{"docker run ", "test/deploy.TestDocumentedCommandsShipLogs"},
	{"docker exec ", "test/deploy.TestDocumentedCommandsShipLogs"},
	{"docker stop", "test/deploy.TestDocumentedCommandsShipLogs"},
	{"docker --env-file", "test/deploy.TestDocumentedCommandsShipLogs"},
	{"cosign ", "nobody: nothing is published"},
	{"gh attestation ", "nobody: nothing is published"},

	{"kubectl apply ", "test/deploy/kubernetes.TestDocumentedCommands"},
	{"kubectl delete -k ", "test/deploy/kubernetes.TestDocumentedCommands"},
	{"kubectl -n fluent-bit-sls create secret ", "by hand up to kubectl apply, with kubectl 1.20, 26 Nov 2026"},
	{"kubectl -n fluent-bit-sls ", "nobody: needs a cluster"},
	{"helm upgrade --install", "test/deploy/kubernetes.TestChartShipsLogs"},
	{"helm ", "nobody: needs a cluster"},

	{"go doc ./plugin/produce", "by hand, 26 Nov 2026"},
}

// shown is how a command begins that a document shows, on a line of its own or between backticks.
const shown = `(?:make|go|docker|kubectl|helm|sls-check|sls-endpoint|fluent-bit|apt-get|dpkg|rpm|systemctl|cp|mv|vi|install|set|sha256sum|curl|kcat|cosign|gh|git|journalctl|buildah)`

var (
	shownLine = regexp.MustCompile(`(?m)^ {4,}(` + shown + `(?: .*)?)$`)
	shownSpan = regexp.MustCompile("`(" + shown + " [^`]*)`")
	goTest    = regexp.MustCompile(`^go test (\./\S+)(?: -run (\w+))?`)
)

// shownCommands are the commands in a document, without what follows a #.
func shownCommands(t *testing.T, file string) (commands []string) {
	t.Helper()
	for _, s := range sections(t, file) {
		body := strings.ReplaceAll(s.body, "\\\n", " ")
		for _, m := range append(shownLine.FindAllStringSubmatch(body, -1), shownSpan.FindAllStringSubmatch(body, -1)...) {
			command, _, _ := strings.Cut(m[1], " #")
			commands = append(commands, strings.Join(strings.Fields(command), " "))
		}
	}
	return commands
}

// Of each command in the documents it is known who runs it: a target of make, a test that is there, or what stands above.
func TestCommandsAreRun(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	used, n := make(map[string]bool), 0
	for _, file := range documents(t) {
		for _, command := range shownCommands(t, file) {
			n++
			if target, ok := strings.CutPrefix(command+" ", "make "); ok {
				if target, _, _ = strings.Cut(target, " "); target != "" && !strings.Contains(makefile, "\n"+target+":") {
					t.Errorf("%s: %s: the Makefile has no target %s", file, command, target)
				}
				continue
			}
			if m := goTest.FindStringSubmatch(command); m != nil {
				if m[2] != "" && !slices.Contains(append(testsIn(t, m[1]), testsIn(t, filepath.Join("test/deploy", m[1]))...), m[2]) {
					t.Errorf("%s: %s: no such test", file, command)
				}
				continue
			}
			begins := func(c struct{ begins, by string }) bool { return strings.HasPrefix(command, c.begins) }
			i := slices.IndexFunc(commandsRunBy, begins)
			if i < 0 {
				t.Errorf("%s: %s: nobody is known to run this", file, command)
				continue
			}
			used[commandsRunBy[i].begins] = true
		}
	}
	if n < 100 {
		t.Errorf("only %d commands were found", n)
	}
	for _, c := range commandsRunBy {
		if !used[c.begins] {
			t.Errorf("no document shows %q", c.begins)
		}
		if tests := named("`" + c.by + "`"); len(tests) == 0 && !strings.HasPrefix(c.by, "by hand") && !strings.HasPrefix(c.by, "nobody: ") {
			t.Errorf("%q is run by %q, want a test, by hand or nobody", c.begins, c.by)
		} else {
			for pkg, names := range tests {
				if !slices.Contains(testsIn(t, pkg), names[0]) {
					t.Errorf("%q is run by %s, which is not there", c.begins, c.by)
				}
			}
		}
	}
}
