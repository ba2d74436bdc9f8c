package fbconf

import (
	"os"
	"path/filepath"
	"testing"
)

// Any bytes are a configuration or an [*Error], which names a file.
func FuzzRead(f *testing.F) {
	for _, c := range classicCases {
		f.Add(c.files["fluent-bit.conf"], false)
	}
	for _, c := range yamlCases {
		f.Add(c.files["fluent-bit.yaml"], true)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, yaml bool) {
		file := filepath.Join(dir, "fluent-bit.conf")
		if yaml {
			file = filepath.Join(dir, "fluent-bit.yaml")
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Read(file, func(name string) string { return name })
		if fault, ok := err.(*Error); err != nil && (!ok || fault.File == "") {
			t.Errorf("%v", err)
		}
		total := 0
		for _, s := range c.Sections {
			for _, p := range s.Properties {
				total += len(p.Value)
			}
		}
		if total > 2*maxBytes {
			t.Errorf("%d bytes of values", total)
		}
	})
}
