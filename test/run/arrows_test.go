package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows are what a package may import of this project. A package of the tests
// may import anything, and is imported by nothing else but sls-endpoint.
var arrows = map[string][]string{
	"":                      {"host"},
	"host":                  {"plugin", "plugin/config"},
	"plugin":                {"encoder", "plugin/config", "plugin/connect", "plugin/display", "plugin/failure", "plugin/produce", "plugin/spool"},
	"plugin/config":         {"encoder", "plugin/display", "plugin/failure", "plugin/regular"},
	"plugin/connect":        {"plugin/config", "plugin/failure"},
	"plugin/produce":        {"plugin/failure"},
	"plugin/spool":          {},
	"plugin/display":        {},
	"plugin/failure":        {},
	"plugin/regular":        {},
	"encoder":               {},
	"cmd/program":           {},
	"cmd/sls-check":         {"cmd/program", "cmd/sls-check/fbconf", "encoder", "cmd/sls-check/probe", "plugin/config", "plugin/connect", "plugin/display"},
	"cmd/sls-check/fbconf":  {"plugin/regular"},
	"cmd/sls-check/probe":   {"plugin/config", "plugin/connect"},
	"cmd/sls-endpoint":      {"cmd/program", "cmd/sls-endpoint/page", "test/sls"},
	"cmd/sls-endpoint/page": {"test/sls"},
	"deploy/buildflags":     {},
	"deploy/release":        {"deploy/buildflags"},
	"docs":                  {},
}

// The packages know each other along the arrows alone, so that each can be read
// and tested without those above it.
func TestArrows(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		imports := strings.Fields(line)
		pkg, ok := inProject(imports[0])
		if !ok || strings.HasPrefix(pkg, "test/") {
			continue
		}
		seen++
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("package %s is not in the table of arrows: say there what it may import", pkg)
		}
		for _, i := range imports[1:] {
			if to, ok := inProject(i); ok && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s; allowed are %q", pkg, to, allowed)
			}
		}
	}
	if seen != len(arrows) {
		t.Errorf("%d packages, %d in the table", seen, len(arrows))
	}
}

// inProject is the path of a package from the project's root.
func inProject(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

// mostLines is how long a file of the product may be: it is one idea.
const mostLines = 300

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, dir := range []string{"host", "plugin", "encoder", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, entry os.DirEntry, err error) error {
			source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".c") || strings.HasSuffix(path, ".h")
			if err != nil || !source {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			if n := strings.Count(string(text), "\n"); n > mostLines {
				t.Errorf("%s has %d lines, at most %d are allowed", path, n, mostLines)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 80 {
		t.Errorf("%d files looked at", seen)
	}
}
