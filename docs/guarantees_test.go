package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// namedTest is how a document names a test: plugin.TestClose, cmd/sls-check.TestSpool, encoder.FuzzAppend.
	namedTest = regexp.MustCompile("`([a-z0-9/-]+)\\.((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`")
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\((?:t \*testing\.T|f \*testing\.F)\)`)
)

// testsIn are the tests of a package, whatever the tags they are built with.
func testsIn(t *testing.T, pkg string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// named are the tests that a text names, by package.
func named(text string) map[string][]string {
	found := make(map[string][]string)
	for _, m := range namedTest.FindAllStringSubmatch(text, -1) {
		found[m[1]] = append(found[m[1]], m[2])
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every test that a document names is there, also one of a command and a fuzz target.
func TestNamedTestsExist(t *testing.T) {
	n := 0
	for _, file := range documents(t) {
		for pkg, tests := range named(read(t, file)) {
			there := testsIn(t, pkg)
			for _, name := range tests {
				n++
				if !slices.Contains(there, name) {
					t.Errorf("%s names %s.%s, which is not there", file, pkg, name)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d tests are named", n)
	}
}

const failures = "guarantees.md"

// Every row of the failures names what it was taken from, and every fault that
// is tested has a row.
func TestFailures(t *testing.T) {
	rows := 0
	for _, s := range sections(t, failures) {
		if !strings.Contains(s.body, "\n| what fails |") {
			continue
		}
		for line := range strings.Lines(s.body) {
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what fails |") {
				continue
			}
			rows++
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
			if len(cells) != 6 {
				t.Errorf("%s, %q: %d cells, want 6: %s", failures, s.title, len(cells), line)
			} else if len(named(cells[5])) == 0 {
				t.Errorf("%s, %q: no test is named: %s", failures, s.title, line)
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows", rows)
	}
	known := named(read(t, failures))
	for pkg, prefix := range map[string]string{"plugin": "TestFault", "test/kafka": "Test"} {
		for _, name := range testsIn(t, pkg) {
			about := strings.HasPrefix(name, prefix) && !slices.Contains(noFault, name)
			if about && !slices.Contains(known[pkg], name) {
				t.Errorf("%s has no row for %s.%s", failures, pkg, name)
			}
		}
	}
}

// What a row gives of a line of the log is found there by a search.
func TestFailuresNameLines(t *testing.T) {
	there := make(map[string]string)
	for _, s := range sections(t, troubleshooting) {
		there[anchor(s.title)] = strings.ToLower(s.title + s.body)
	}
	toLine, n := regexp.MustCompile(`\[([^\[\]]+)\]\(`+troubleshooting+`#([^)]+)\)`), 0
	for _, m := range toLine.FindAllStringSubmatch(read(t, failures), -1) {
		n++
		if !strings.Contains(there[m[2]], strings.ToLower(m[1])) {
			t.Errorf("%s: %q is not in %s#%s", failures, m[1], troubleshooting, m[2])
		}
	}
	if n < 30 {
		t.Errorf("only %d lines are named", n)
	}
}

// noFault are tests with such a name that make nothing fail.
var noFault = []string{"TestRealKafka", "TestDelivery", "TestFaults", "TestProbe"}

// The policy is JSON, and allows what the log asks for, no more.
func TestRAMPolicy(t *testing.T) {
	asked := regexp.MustCompile(`log:\w+`).FindAllString(read(t, filepath.Join(root, "plugin", "config", "advice.go")), -1)
	slices.Sort(asked)
	asked = slices.Compact(asked)
	if len(asked) == 0 {
		t.Fatal("the plugin asks for no right")
	}
	var policy struct {
		Statement []struct {
			Effect string
			Action any
		}
	}
	if err := json.Unmarshal([]byte(blocks(t, "install.md", "json")[0].text()), &policy); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range policy.Statement {
		switch a := s.Action.(type) {
		case string:
			allowed = append(allowed, a)
		case []any:
			for _, one := range a {
				allowed = append(allowed, one.(string))
			}
		}
	}
	slices.Sort(allowed)
	if !slices.Equal(allowed, asked) {
		t.Errorf("the policy allows %q, the log asks for %q", allowed, asked)
	}
	for _, b := range blocks(t, "install.md", "json") {
		if !json.Valid([]byte(b.text())) {
			t.Errorf("no JSON: %s", b.text())
		}
	}
}
