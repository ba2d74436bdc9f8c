package interop

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// block is a configuration in the directory migrate: of an example on Alibaba's page, or what takes its place.
type block struct {
	section string // the example's name
	file    string
	text    string
}

// ours tells a configuration of this project's from one of Alibaba's page.
func (b block) ours() bool { return strings.HasSuffix(b.file, ".sls_kafka.conf") }

// blocks are the configurations in the order of the examples; the number at the beginning of a file's name says which
// example it is of. docs/migrate.md has a link to each.
func blocks(t *testing.T) (all []block) {
	t.Helper()
	document, err := os.ReadFile("../../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("migrate/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Compare(strings.TrimSuffix(a, filepath.Ext(a)), strings.TrimSuffix(b, filepath.Ext(b)))
	})
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "-")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(moves) {
			t.Fatalf("%s: its name does not begin with the number of an example", file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(document), "](../test/interop/"+filepath.ToSlash(file)+")") {
			t.Errorf("docs/migrate.md has no link to %s", file)
		}
		all = append(all, block{moves[n-1].section, file, string(text)})
	}
	return all
}

// replace puts new for old in a block and fails where old is not in it. pairs are old, new, old, new…
func replace(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the test puts a local value for %q, but the configuration has none:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}
