// Package buildflags reads how the shared object is compiled and linked:
// host/build.env, which the Makefile includes too.
package buildflags

import (
	"os"
	"path/filepath"
	"strings"
)

// Read returns the settings of host/build.env by their names, for the project in root.
func Read(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "host", "build.env"))
	if err != nil {
		return nil, err
	}
	flags := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			flags[name] = strings.ReplaceAll(value, "@", root)
		}
	}
	return flags, nil
}
