package deploy

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"out_sls_kafka/test/deploy/image"
)

func readDockerfile(t *testing.T, dir string) (*image.Dockerfile, image.Bases) {
	t.Helper()
	d, err := image.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	bases, err := standIns()
	if err != nil {
		t.Fatal(err)
	}
	return d, bases
}

// dockerfileFaults is what `docker build --check` and the rules of this project say against a Dockerfile.
func dockerfileFaults(t *testing.T, dir string) []string {
	t.Helper()
	d, bases := readDockerfile(t, dir)
	faults, err := d.Lint(context.Background(), bases)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range d.Stages {
		name, stage, err := d.BaseName(s)
		if err != nil {
			t.Fatal(err)
		}
		if !stage && !pinned(name) {
			faults = append(faults, "FROM "+name+": no digest, and no tag that names a version")
		}
		for _, c := range s.Commands {
			switch c := c.(type) {
			case *instructions.AddCommand:
				faults = append(faults, "ADD, which fetches and unpacks: COPY does neither")
			case *instructions.CopyCommand:
				if _, err := reference.ParseNormalizedNamed(c.From); c.From != "" && err == nil && !slices.ContainsFunc(d.Stages, func(s instructions.Stage) bool { return s.Name == c.From }) {
					faults = append(faults, "COPY --from="+c.From+": not a stage")
				}
			case *instructions.RunCommand:
				if i == len(d.Stages)-1 {
					faults = append(faults, "RUN in the image itself, which has no shell")
				}
				faults = append(faults, aptFaults(strings.Join(c.CmdLine, " "))...)
			case *instructions.EntrypointCommand:
				if c.PrependShell {
					faults = append(faults, "ENTRYPOINT needs a shell, and the image has none")
				}
			case *instructions.CmdCommand:
				if c.PrependShell {
					faults = append(faults, "CMD needs a shell, and the image has none")
				}
			}
		}
	}
	return faults
}

// aptFaults is what makes an installation hang, fail with an old layer in the cache, or take more than what it names.
func aptFaults(command string) (faults []string) {
	if !strings.Contains(command, "apt-get install") {
		return nil
	}
	for _, want := range []string{"apt-get update && ", " -y ", " --no-install-recommends "} {
		if !strings.Contains(command, want) {
			faults = append(faults, "apt-get install without "+strings.TrimSpace(want))
		}
	}
	return faults
}

var version = regexp.MustCompile(`^v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)

// pinned says whether an image reference names a digest or a version.
func pinned(name string) bool {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return false
	}
	if _, ok := named.(reference.Digested); ok {
		return true
	}
	tagged, ok := named.(reference.Tagged)
	return ok && version.MatchString(tagged.Tag())
}

func TestDockerfileHasNoFaults(t *testing.T) {
	for _, fault := range dockerfileFaults(t, project(t)) {
		t.Error(fault)
	}
}

// Each rule must find what it is for.
func TestDockerfileRulesFindFaults(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"latest":             {"FROM busybox:latest\n", "no tag that names a version"},
		"no tag":             {"FROM busybox\n", "no tag that names a version"},
		"argument without":   {"ARG B=busybox\nFROM ${B}\n", "no tag that names a version"},
		"fetch":              {"FROM busybox:1.37.0\nADD https://example.com/x /x\n", "ADD"},
		"secret in ENV":      {"FROM busybox:1.37.0\nENV SLS_ACCESS_KEY_SECRET=x\n", "SecretsUsedInArgOrEnv"},
		"secret in ARG":      {"FROM busybox:1.37.0\nARG SLS_PASSWORD\n", "SecretsUsedInArgOrEnv"},
		"from an image":      {"FROM busybox:1.37.0\nCOPY --from=golang:1.26 /x /x\n", "not a stage"},
		"run at the end":     {"FROM busybox:1.37.0\nRUN [\"/bin/cp\", \"a\", \"b\"]\n", "RUN in the image itself"},
		"stale packages":     {"FROM busybox:1.37.0 AS a\nRUN apt-get install -y --no-install-recommends x\nFROM busybox:1.37.0\n", "without apt-get update &&"},
		"packages asked for": {"FROM busybox:1.37.0 AS a\nRUN apt-get update && apt-get install --no-install-recommends x\nFROM busybox:1.37.0\n", "without -y"},
		"recommended":        {"FROM busybox:1.37.0 AS a\nRUN apt-get update && apt-get install -y x\nFROM busybox:1.37.0\n", "without --no-install-recommends"},
		"shell form":         {"FROM busybox:1.37.0\nENTRYPOINT cp a b\n", "ENTRYPOINT needs a shell"},
		"variable not known": {"FROM busybox:1.37.0\nCOPY $x /x\n", "UndefinedVar"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"Dockerfile": c.text, ".dockerignore": ""} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			faults := dockerfileFaults(t, dir)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("%q: faults %q, want one that says %q", c.text, faults, c.want)
			}
		})
	}
}

// A digest can be given where the Dockerfile names a version.
func TestDigestIsPinned(t *testing.T) {
	if !pinned("fluent/fluent-bit@sha256:" + strings.Repeat("0a", 32)) {
		t.Error("a digest is not taken")
	}
}

// What reaches the builder is what the Dockerfile names, and nothing that a secret or a local build could hide in.
func TestBuildContext(t *testing.T) {
	need(t, "buildah", "what the builder gets (Debian: buildah)")
	if os.Getuid() != 0 {
		t.Skip("not root: building an image without a daemon needs it")
	}
	s, err := image.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte("FROM scratch\nCOPY . /\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), image.Build{Dir: project(t), File: file, Name: "context"}); err != nil {
		t.Fatal(err)
	}
	sent, err := s.Unpack(t.Context(), image.Local("context"))
	if err != nil {
		t.Fatal(err)
	}
	context := sent.Root
	err = filepath.WalkDir(context, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(context, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(name, "/")
		switch ext := filepath.Ext(name); {
		case strings.HasSuffix(name, "_test.go"), ext == ".so", strings.Contains(name, "testdata"):
			t.Errorf("%s is in the build context", name)
		case ext == ".go", ext == ".c", ext == ".h", slices.Contains([]string{"go.mod", "go.sum", "LICENSE", "host/build.env", "host/exports.map"}, name):
		case top != "deploy":
			t.Errorf("%s is in the build context", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What the image adds to its base is named here, to the last file.
func TestImageAddsNothingElse(t *testing.T) {
	agent := agentImage(t)
	bases, err := standIns()
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	if err := bases["fluent/fluent-bit"].Fill(base); err != nil {
		t.Fatal(err)
	}
	had := filesOf(t, base)
	added := slices.DeleteFunc(filesOf(t, agent.Root), func(file string) bool { return slices.Contains(had, file) })
	want := []string{"fluent-bit/bin/sls-check", "fluent-bit/etc/fluent-bit.yaml", "fluent-bit/etc/plugins.conf",
		"fluent-bit/plugins/out_sls_kafka.so", "licenses/out_sls_kafka/LICENSE", "licenses/out_sls_kafka/THIRD_PARTY_NOTICES.txt"}
	if !slices.Equal(added, want) {
		t.Errorf("it adds %q, want %q", added, want)
	}
}

// filesOf are the files below a directory that are not empty: a container's mounts leave empty ones behind.
func filesOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files = append(files, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
