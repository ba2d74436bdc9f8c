//go:build dist

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// actionlint finds nothing in the workflows; it has their scripts examined by shellcheck.
func TestWorkflows(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	actionlint := filepath.Join(t.TempDir(), "actionlint")
	build := exec.Command("go", "build", "-o", actionlint, "tool")
	build.Dir, build.Env = filepath.Join(root, "deploy/release/tools/workflows"), append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Log("no shellcheck on PATH: the scripts of the workflows are not examined (Debian: shellcheck)")
	}
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("workflows %q: %v", files, err)
	}
	if out, err := exec.Command(actionlint, append([]string{"-no-color"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wantTargets(t, root, files)
}

var makeTarget = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)

// wantTargets fails where a workflow makes what the Makefile has not.
func wantTargets(t *testing.T, root string, files []string) {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, m := range makeTarget.FindAllStringSubmatch(line, -1) {
				n++
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s: the Makefile has no target %s", filepath.Base(file), m[1])
				}
			}
		}
	}
	if n < 6 {
		t.Errorf("only %d targets found", n)
	}
}
