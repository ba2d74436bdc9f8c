package interop

import (
	"os"
	"strings"
	"testing"
)

// block is a configuration in docs/migrate.md.
type block struct {
	section  string // heading it stands under, without the number
	language string // what follows the fence
	text     string
}

// ours tells a configuration of this project's from one of Alibaba's page.
func (b block) ours() bool { return strings.Contains(b.text, "sls_kafka") }

// blocks are the fenced blocks of docs/migrate.md.
func blocks(t *testing.T) []block {
	t.Helper()
	document, err := os.ReadFile("../../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var section string
	var open *block
	for line := range strings.Lines(string(document)) {
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		heading, isHeading := strings.CutPrefix(strings.TrimRight(line, "\n"), "## ")
		switch {
		case open != nil && isFence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		case isFence:
			open = &block{section: section, language: fence}
		case isHeading:
			if _, section, _ = strings.Cut(heading, ". "); section == "" {
				t.Fatalf("docs/migrate.md: heading %q has no number", heading)
			}
		}
	}
	if open != nil {
		t.Fatalf("docs/migrate.md: a block in %q is not closed", open.section)
	}
	return all
}

// replace puts new for old in a block and fails where old is not in it. pairs are old, new, old, new…
func replace(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("docs/migrate.md: the test puts a local value for %q, but the block has none:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}
