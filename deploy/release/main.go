// Command dist makes in build/dist what a release consists of: the shared object for each target, the licences of all
// that is in it, and the sums to verify them by. It runs in the root of the project; what it makes depends on nothing but
// the project's files, the version, and the compilers that are pinned here. docs/releases.md is about what comes out.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Where things are put, from the root of the project.
const (
	tools    = "build" // the C compiler, kept for the next time
	finished = "build/dist"
)

func main() {
	version := flag.String("version", "", "version to build as, such as v1.2.3")
	flag.Parse()
	if err := makeRelease(*version); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// versions are those that may be part of a file's name and of a flag of the linker.
var versions = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

func makeRelease(version string) error {
	if !versions.MatchString(version) {
		return fmt.Errorf("version %q: give -version, letters, digits and . + _ - only, such as v1.2.3", version)
	}
	zig, err := provideZig(tools)
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	b := builder{root: root, zig: zig, zigCache: filepath.Join(root, tools, "zig-cache")}
	made, err := os.MkdirTemp(tools, "dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made) // gone if all went well
	if err := b.release(made, version); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(finished), os.Chmod(made, 0o755), os.Rename(made, finished))
}

// release makes the files of a release in dir, which is empty, and prints what they are.
func (b *builder) release(dir, version string) error {
	for _, t := range targets {
		path := filepath.Join(dir, t.file(version))
		if err := b.object(path, t, version); err != nil {
			return err
		}
		found, err := inspect(path, t)
		if err != nil {
			return fmt.Errorf("%s would not do: %w", t.file(version), err)
		}
		fmt.Printf("%s: %v\n", t.file(version), found)
	}
	if err := b.licences(dir); err != nil {
		return err
	}
	return writeSums(dir)
}
