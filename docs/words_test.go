package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// hardWords are hard to read for whoever learnt English elsewhere; CONTRIBUTING.md
// says what to write instead. The numbers are how often each still stands in
// sources and documents. They only fall: whoever takes one away lowers the number.
var hardWords = []struct {
	pattern string
	most    int
}{
	{`is no\b`, 0},
	{`beside\b`, 0},
	{`apart\b`, 0},
	{`meanwhile\b`, 0},
	{`mend(s|ed|ing)?\b`, 0},
	{`of which\b`, 0},
	{`anew\b`, 0},
	{`goes first\b`, 0},
	{`gives way\b`, 0},
	{`told of\b`, 0},
	{`for good\b`, 0},
	{`comes by\b`, 0},
	{`so many\b`, 0},
}

// "apart from" is plain English.
var apartFrom = regexp.MustCompile(`(?i)\bapart from\b`)

func TestWords(t *testing.T) {
	t.Parallel()
	var text []byte
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "build" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case !slices.Contains([]string{".go", ".c", ".h", ".md"}, filepath.Ext(path)) || entry.Name() == "words_test.go" || entry.Name() == "CONTRIBUTING.md":
			return nil
		}
		source, err := os.ReadFile(path)
		text = append(append(text, source...), '\n')
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text = apartFrom.ReplaceAll(text, nil)
	for _, w := range hardWords {
		n := len(regexp.MustCompile(`(?i)\b`+w.pattern).FindAll(text, -1))
		if n > w.most {
			t.Errorf("%q stands %d times in sources and documents, at most %d are allowed: see CONTRIBUTING.md for what to write instead", w.pattern, n, w.most)
		}
		if n < w.most {
			t.Errorf("%q stands %d times, %d are allowed: lower the number", w.pattern, n, w.most)
		}
	}
}
