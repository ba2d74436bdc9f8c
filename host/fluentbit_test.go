package host

import (
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

var (
	lookUp   = regexp.MustCompile(`LOOK_UP\((\w+)\);`)
	testName = regexp.MustCompile(`Test[A-Z]\w+`)
)

// lookedUp are the symbols that fluentbit.c looks up.
func lookedUp(t *testing.T) (symbols []string) {
	t.Helper()
	for _, m := range lookUp.FindAllStringSubmatch(read(t, "fluentbit.c"), -1) {
		symbols = append(symbols, m[1])
	}
	if len(symbols) < 10 {
		t.Fatalf("fluentbit.c looks up %q alone", symbols)
	}
	return symbols
}

// The table has every symbol, its tests exist, and no other file looks symbols up.
func TestFluentBitTable(t *testing.T) {
	table := read(t, "fluentbit.h")
	for _, s := range lookedUp(t) {
		if !regexp.MustCompile(`\b` + s + `\b`).MatchString(table) {
			t.Errorf("fluentbit.c looks %s up, the table in fluentbit.h does not have it", s)
		}
	}
	tests := readAll(t, "*_test.go", "../test/e2e/*_test.go")
	for _, name := range testName.FindAllString(table, -1) {
		if !strings.Contains(tests, "func "+name+"(") {
			t.Errorf("the table in fluentbit.h names %s, which is not there", name)
		}
	}
	if n := strings.Count(readAll(t, "*.c", "*.h"), "dlsym("); n != 1 {
		t.Errorf("dlsym is called in %d places, want fluentbit.c alone", n)
	}
}

// Fluent Bit's executable exports every symbol. Versions before 5.0 lack some: see the table.
func TestFluentBitExports(t *testing.T) {
	path := run.NeedFluentBit(t, "the symbols that are looked up")
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	exported := make(map[string]bool)
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			exported[s.Name] = true
		}
	}
	for _, s := range lookedUp(t) {
		if !exported[s] {
			t.Errorf("%s does not export %s", path, s)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readAll is the text of all files that match one of the patterns.
func readAll(t *testing.T, patterns ...string) string {
	t.Helper()
	var text strings.Builder
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text.WriteString(read(t, f))
		}
	}
	return text.String()
}
