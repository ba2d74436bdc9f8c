package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// formats are the kinds of packages, by the ends of their names.
var formats = []string{"deb", "rpm"}

// packageFile is the name of a package.
func (t target) packageFile(format, version string) string {
	return fmt.Sprintf("fluent-bit-sls-kafka-%s-linux-%s.%s", version, t.arch, format)
}

// packages makes the packages for a target of the files in dir, as deploy/packages/nfpm.yaml lists them.
func (b *builder) packages(dir string, t target, version string) error {
	files, err := os.MkdirTemp("", "package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(files)
	if err := b.packageFiles(dir, files, t, version); err != nil {
		return err
	}
	for _, format := range formats {
		cmd := exec.Command(filepath.Join(b.tools, "nfpm"), "package", "-f", "deploy/packages/nfpm.yaml",
			"-p", format, "-t", filepath.Join(dir, t.packageFile(format, version)))
		cmd.Dir, cmd.Env = b.root, append(os.Environ(), "ARCH="+t.arch, "VERSION="+packageVersion(version), "FILES="+files)
		if _, err := output(cmd); err != nil {
			return fmt.Errorf("%s for %s: %w", format, t.arch, err)
		}
	}
	return nil
}

// packageFiles puts into files, by the names they are installed under, what is in the release and differs by target.
func (b *builder) packageFiles(dir, files string, t target, version string) error {
	from := map[string]string{"out_sls_kafka.so": t.file(version), "LICENSE": "LICENSE", noticesFile: noticesFile}
	for _, program := range programs {
		from[program] = t.program(program, version)
	}
	var failed error
	for name, made := range from {
		// Copied: nfpm puts a link into the package as a link.
		content, err := os.ReadFile(filepath.Join(dir, made))
		failed = errors.Join(failed, err, os.WriteFile(filepath.Join(files, name), content, 0o644))
	}
	example, err := b.packagedExample()
	if err != nil {
		return err
	}
	return errors.Join(failed, os.WriteFile(filepath.Join(files, "fluent-bit.conf"), example, 0o644))
}

// unloaded is the line of fluent-bit.conf.example that loads the plugin without -e, and is commented out there.
var unloaded = regexp.MustCompile(`(?m)^    # plugins_file  `)

// packagedExample is fluent-bit.conf.example as the packages have it: it loads the plugin itself.
func (b *builder) packagedExample() ([]byte, error) {
	example, err := os.ReadFile(filepath.Join(b.root, "fluent-bit.conf.example"))
	if err != nil {
		return nil, err
	}
	if n := len(unloaded.FindAll(example, -1)); n != 1 {
		return nil, fmt.Errorf("fluent-bit.conf.example has %d lines # plugins_file, want 1", n)
	}
	loaded := unloaded.ReplaceAll(example, []byte("    plugins_file    "))
	first, rest, _ := bytes.Cut(loaded, []byte("\n\n"))
	if !bytes.HasPrefix(first, []byte("#")) {
		return nil, errors.New("fluent-bit.conf.example does not begin with the comment that says how it is run")
	}
	return append([]byte("# Ships the lines of log files to a logstore of Alibaba Cloud Simple Log Service (SLS).\n"+
		"# The variables are in /etc/fluent-bit/sls-kafka.env.\n\n"), rest...), nil
}

var released = regexp.MustCompile(`^v?(\d+\.\d+.*)$`)

// packageVersion is a version as both packagers compare it. They know no hyphen within one; a pre-release is older than
// its release, and what git describe counts after a tag is newer.
func packageVersion(version string) string {
	m := released.FindStringSubmatch(version)
	if m == nil {
		return "0~" + strings.ReplaceAll(version, "-", ".")
	}
	number, rest, cut := strings.Cut(m[1], "-")
	if !cut {
		return number
	}
	join := "~"
	if rest[:1] >= "0" && rest[:1] <= "9" {
		join = "+"
	}
	return number + join + strings.ReplaceAll(rest, "-", ".")
}
