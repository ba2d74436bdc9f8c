package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = ".."

// section is a heading of a document and what stands below it.
type section struct {
	title  string
	blocks []block
	body   string // without the blocks
}

// block is a fenced block of a document.
type block struct {
	kind  string // the word behind the fence
	lines []string
}

func (b block) text() string { return strings.Join(b.lines, "\n") }

// sections reads a document.
func sections(t *testing.T, file string) []section {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := []section{{}}
	var open *block
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		last := &all[len(all)-1]
		switch {
		case open != nil && strings.TrimSpace(line) == "```":
			last.blocks = append(last.blocks, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		case strings.HasPrefix(line, "```"):
			open = &block{kind: strings.TrimPrefix(line, "```")}
		case strings.HasPrefix(line, "#"):
			all = append(all, section{title: line})
		default:
			last.body += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s: a block is not closed", file)
	}
	return all
}

// blocks are the blocks of that kind in a document.
func blocks(t *testing.T, file, kind string) (found []block) {
	t.Helper()
	for _, s := range sections(t, file) {
		for _, b := range s.blocks {
			if b.kind == kind {
				found = append(found, b)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s: no block of kind %q", file, kind)
	}
	return found
}

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// spans are what stands between backticks.
func spans(text string) (found []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		found = append(found, strings.ReplaceAll(m[1], `\|`, "|"))
	}
	return found
}

// grid is a table of a document.
type grid struct {
	head []string
	rows [][]string
}

// tables reads the tables in the text of a section.
func tables(body string) (found []grid) {
	inside := false
	for line := range strings.Lines(body) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		cells := strings.Split(strings.TrimSuffix(row, " |"), " | ")
		switch {
		case isRow && !inside:
			found, inside = append(found, grid{head: cells}), true
		case isRow:
			last := &found[len(found)-1]
			last.rows = append(last.rows, cells)
		case !strings.HasPrefix(line, "|-"):
			inside = false
		}
	}
	return found
}

// firstCells are the code spans in the first column of the tables whose first
// column has that head.
func firstCells(body, head string) (found []string) {
	for _, table := range tables(body) {
		if table.head[0] != head {
			continue
		}
		for _, row := range table.rows {
			found = append(found, spans(row[0])...)
		}
	}
	return found
}

// documents are the documents that a reader of the project meets.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	return append(files, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "SECURITY.md"))
}

// bar separates cells, also within backticks; \| does not.
var bar = regexp.MustCompile(`[^\\]\|`)

// Each row of a table has as many cells as its head: of one with more GitHub does not show the last ones.
func TestTables(t *testing.T) {
	rows := 0
	for _, file := range documents(t) {
		for _, s := range sections(t, file) {
			want := 0
			for line := range strings.Lines(s.body) {
				cells := len(bar.FindAllString(line, -1))
				switch isRow := strings.HasPrefix(line, "|"); {
				case !isRow:
					want = 0
				case want == 0:
					want = cells
				case cells != want:
					t.Errorf("%s, %q: %d cells, want %d: %s", file, s.title, cells, want, line)
				default:
					rows++
				}
			}
		}
	}
	if rows < 300 {
		t.Errorf("only %d rows", rows)
	}
}
