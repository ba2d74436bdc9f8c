package fbconf

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"out_sls_kafka/test/run"
)

// write lays the files of a case into a new directory and returns the main one.
func write(t *testing.T, files map[string]string) (main string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "fluent-bit.") {
			main = path
		}
	}
	return main
}

func allCases() []fileCase { return append(append([]fileCase{}, classicCases...), yamlCases...) }

func name(c fileCase) string {
	if _, yaml := c.files["fluent-bit.yaml"]; yaml {
		return "yaml/" + c.name
	}
	return "classic/" + c.name
}

func noEnv(string) string { return "" }

func TestRefused(t *testing.T) {
	for _, c := range allCases() {
		t.Run(name(c), func(t *testing.T) {
			_, err := Read(write(t, c.files), noEnv)
			switch fault, ok := errors.AsType[*Error](err); {
			case err == nil && c.refused == "":
			case err == nil:
				t.Errorf("accepted, want refused: %s", c.refused)
			case c.refused == "":
				t.Errorf("refused: %v", err)
			case !ok || !strings.Contains(err.Error(), c.refused):
				t.Errorf("refused: %v, want an *Error with %q", err, c.refused)
			case fault.Advice == "" || fault.File == "":
				t.Errorf("no advice or no file: %+v", fault)
			case strings.Contains(err.Error(), "secret"):
				t.Errorf("repeats a value: %v", err)
			}
		})
	}
}

// Fluent Bit itself is the judge of every case above.
func TestAsFluentBit(t *testing.T) {
	fluentBit := run.NeedFluentBit(t, "that its parser accepts and refuses the same")
	for _, c := range allCases() {
		t.Run(name(c), func(t *testing.T) {
			t.Parallel()
			main := write(t, c.files)
			_, err := Read(main, noEnv)
			command := exec.Command(fluentBit, "--dry-run", "-c", main)
			command.Dir = t.TempDir()
			out, failed := command.CombinedOutput()
			accepts := failed == nil && strings.Contains(string(out), "configuration test is successful")
			if missing := c.name == "plugins missing"; accepts != (err == nil && !missing) {
				t.Errorf("Fluent Bit accepts: %v (%v); Read: %v\n%s", accepts, failed, err, out)
			}
		})
	}
}

// A directory in place of a configuration: Fluent Bit refuses one with a name of YAML, and takes one of the classic format for
// a configuration without sections.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"d.yaml": "is a directory", "d": ""} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		config, err := Read(path, noEnv)
		advice := ""
		if fault, ok := errors.AsType[*Error](err); ok {
			advice = fault.Advice
		} else if len(config.Remarks) == 1 {
			advice = config.Remarks[0].Advice
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || !strings.Contains(advice, "name the file in it, such as "+path+"/fluent-bit.") {
			t.Errorf("%s: %v, advice %q", name, err, advice)
		}
	}
}
