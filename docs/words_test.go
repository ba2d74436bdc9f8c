package docs

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hardWords are hard to read for whoever learnt English elsewhere; CONTRIBUTING.md
// says what to write instead. "apart from" is plain English, which is why it is matched first.
var hardWords = regexp.MustCompile(`(?i)\b(apart from|is no|beside|apart|meanwhile|mend(s|ed|ing)?|of which|anew|` +
	`goes first|gives way|told of|for good|comes by|so many)\b`)

// wordy are the ends of the names of files that people read.
var wordy = []string{".go", ".c", ".h", ".md", ".sh", ".yaml", ".yml", ".conf", ".example", "Dockerfile", "Makefile"}

func TestWords(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "build", "testdata"}, entry.Name()):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || entry.Name() == "words_test.go" || entry.Name() == "CONTRIBUTING.md":
			return nil
		case !slices.ContainsFunc(wordy, func(end string) bool { return strings.HasSuffix(path, end) }):
			return nil
		}
		files++
		for i, line := range strings.Split(read(t, path), "\n") {
			for _, found := range hardWords.FindAllString(line, -1) {
				if !strings.EqualFold(found, "apart from") {
					t.Errorf("%s:%d: %q: see CONTRIBUTING.md for what to write instead", path, i+1, found)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were read", files)
	}
}
