// Command release makes in build/dist what a release consists of, for each target: the shared object, the programs
// sls-check and sls-endpoint, the packages that install them, a bill of materials for each binary; and the licences of
// all that is linked, and the sums to verify the files by. It runs in the root of the project; what it makes depends on nothing but
// the project's files, the version, and the compilers that are pinned here. docs/install.md is about what comes out.
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
	tools    = "build" // the C compiler and other tools, kept for the next time
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
	b := builder{root: root, zig: zig, zigCache: filepath.Join(root, tools, "zig-cache"), tools: filepath.Join(root, tools, "release-tools")}
	if err := provideTools(root, b.tools); err != nil {
		return err
	}
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
	if err := b.licences(dir); err != nil {
		return err
	}
	for _, t := range targets {
		made, err := b.binaries(dir, t, version)
		if err != nil {
			return err
		}
		if err := b.bills(dir, version, made); err != nil {
			return err
		}
		if err := b.packages(dir, t, version); err != nil {
			return err
		}
	}
	return writeSums(dir)
}

// binaries makes the shared object and the programs for a target in dir and returns their names.
func (b *builder) binaries(dir string, t target, version string) (made []string, err error) {
	name := t.file(version)
	path := filepath.Join(dir, name)
	if err := b.object(path, t, version); err != nil {
		return nil, err
	}
	found, err := inspect(path, t)
	if err != nil {
		return nil, fmt.Errorf("%s would not do: %w", name, err)
	}
	fmt.Printf("%s: %v\n", name, found)
	made = append(made, name)
	for _, program := range programs {
		name := t.program(program, version)
		if err := b.program(filepath.Join(dir, name), program, t, version); err != nil {
			return nil, err
		}
		made = append(made, name)
	}
	return made, nil
}
