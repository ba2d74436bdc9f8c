package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mostPlaces is how many lines a stranger reads to know where things are.
const mostPlaces = 10

// What README.md and CONTRIBUTING.md say of where things are is short, is there, and leaves nothing out.
func TestLayout(t *testing.T) {
	var places, contributing []string
	for _, s := range sections(t, filepath.Join(root, "README.md")) {
		if s.title == "## Where things are" {
			places = indented(s.body)
		}
	}
	if len(places) == 0 || len(places) > mostPlaces {
		t.Fatalf("README.md has %d lines of where things are, want 1 to %d", len(places), mostPlaces)
	}
	readme := strings.Join(places, "\n")
	for _, s := range sections(t, filepath.Join(root, "CONTRIBUTING.md")) {
		contributing = append(contributing, firstCells(s.body, "place")...)
	}
	for _, place := range contributing {
		if _, err := os.Stat(filepath.Join(root, place)); err != nil {
			t.Errorf("CONTRIBUTING.md: %v", err)
		}
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || e.Name() == "build" {
			continue
		}
		if !strings.Contains(readme, e.Name()+"/") {
			t.Errorf("README.md does not say what %s/ is", e.Name())
		}
		if !strings.Contains(strings.Join(contributing, " "), e.Name()) {
			t.Errorf("CONTRIBUTING.md does not say what %s is", e.Name())
		}
	}
}

// indented are the lines of a text that four blanks begin.
func indented(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
