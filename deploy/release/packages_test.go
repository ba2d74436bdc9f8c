package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackageVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                  "1.2.3",
		"1.2.3":                   "1.2.3",
		"v1.2.3-rc.1":             "1.2.3~rc.1",
		"v1.2.3-5-g74aebff-dirty": "1.2.3+5.g74aebff.dirty",
		"74aebff":                 "0~74aebff",
		"dev":                     "0~dev",
		"v0.0.0-test":             "0.0.0~test",
		"v1.2.3-rc.1-5-g74aebff":  "1.2.3~rc.1.5.g74aebff",
	} {
		if got := packageVersion(version); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

// The packages' example is the project's own and loads the plugin by the file that the packages bring.
func TestPackagedExampleLoadsThePlugin(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	example, err := (&builder{root: root}).packagedExample()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := os.ReadFile(filepath.Join(root, "deploy/packages/nfpm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(example)) {
		if name, file, _ := strings.Cut(strings.TrimSpace(line), " "); name == "plugins_file" {
			if file = strings.TrimSpace(file); !strings.Contains(string(packages), "dst: "+file+"\n") {
				t.Errorf("plugins_file %s is not a file of the packages", file)
			}
			return
		}
	}
	t.Error("it has no plugins_file")
}
