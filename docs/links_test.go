package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	outside  = regexp.MustCompile(`^[a-z]+:`)
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchor is the name that GitHub gives a heading.
func anchor(title string) string {
	title = strings.TrimSpace(strings.TrimLeft(title, "#"))
	if m := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`); m.MatchString(title) {
		title = m.ReplaceAllString(title, "$1")
	}
	return strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

// anchors are those of a document; a title that comes again gets a number.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	found, times := make(map[string]bool), make(map[string]int)
	for _, s := range sections(t, file) {
		a := anchor(s.title)
		if n := times[a]; n > 0 {
			found[fmt.Sprintf("%s-%d", a, n)] = true
		}
		times[a]++
		found[a] = true
	}
	return found
}

// Every link within the project leads to a file or directory that is there,
// and to a heading of it.
func TestLinks(t *testing.T) {
	n := 0
	for _, file := range documents(t) {
		for _, s := range sections(t, file) {
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(s.body, ""), -1) {
				if outside.MatchString(m[1]) {
					continue
				}
				n++
				path, to, _ := strings.Cut(m[1], "#")
				target := file
				if path != "" {
					target = filepath.Join(filepath.Dir(file), path)
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s, %q: the link to %s leads nowhere: %v", file, s.title, m[1], err)
					continue
				}
				if to != "" && !anchors(t, target)[to] {
					t.Errorf("%s, %q: %s has no heading #%s", file, s.title, target, to)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d links found", n)
	}
}

// README.md is the index of the documents.
func TestIndex(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.Contains(string(text), "](docs/"+f+")") {
			t.Errorf("README.md does not link to docs/%s", f)
		}
	}
}

func TestAnchor(t *testing.T) {
	for title, want := range map[string]string{
		"## It cannot reach the endpoint":              "it-cannot-reach-the-endpoint",
		"# 6. Fluent Bit's built-in kafka output":      "6-fluent-bits-built-in-kafka-output",
		"## What `required_acks 1` means":              "what-required_acks-1-means",
		"## The log says nothing, and nothing arrives": "the-log-says-nothing-and-nothing-arrives",
		"## 2026-11-22 11:43 UTC":                      "2026-11-22-1143-utc",
		"### With [a link](x.md)":                      "with-a-link",
	} {
		if got := anchor(title); got != want {
			t.Errorf("anchor of %q is %q, want %q", title, got, want)
		}
	}
}
