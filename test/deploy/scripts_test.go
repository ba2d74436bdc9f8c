package deploy

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// shells is the first line of a script that shellcheck reads.
var shells = regexp.MustCompile(`^#!\S*/(env )?(ba|da)?sh\b`)

// scripts are the project's files that a shell runs, by their first line or the end of their name.
func scripts(t *testing.T) (files []string) {
	t.Helper()
	root := project(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{filepath.Join(root, ".git"), filepath.Join(root, "build")}, path):
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		start := make([]byte, 64)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		n, _ := f.Read(start) // an empty file is not a script
		if strings.HasSuffix(path, ".sh") || shells.Match(start[:n]) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestScripts(t *testing.T) {
	shellcheck := need(t, "shellcheck", "the scripts are not examined (Debian: shellcheck)")
	files := scripts(t)
	for _, known := range []string{project(t, ".ci", "run"), project(t, "deploy", "release", "bases.sh")} {
		if !slices.Contains(files, known) {
			t.Errorf("%s was not found to be a script", known)
		}
	}
	if out, err := exec.CommandContext(t.Context(), shellcheck, files...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the Dockerfile gives to a shell is examined like a script. Its arguments are variables of the environment.
func TestDockerfileScripts(t *testing.T) {
	shellcheck := need(t, "shellcheck", "the commands of the Dockerfile are not examined (Debian: shellcheck)")
	d, _ := readDockerfile(t, project(t))
	n := 0
	for _, s := range d.Stages {
		for _, c := range s.Commands {
			run, ok := c.(*instructions.RunCommand)
			if !ok || !run.PrependShell {
				continue
			}
			n++
			text := strings.Join(run.CmdLine, " ")
			check := exec.CommandContext(t.Context(), shellcheck, "--shell=sh", "-")
			check.Stdin = strings.NewReader(text + "\n")
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("RUN %s: %v\n%s", text, err, out)
			}
		}
	}
	if n < 3 {
		t.Errorf("only %d commands were found", n)
	}
}
