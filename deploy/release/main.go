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
	"slices"
)

// Where things are put, from the root of the project.
const (
	tools    = "build" // the C compiler and other tools, kept for the next time
	finished = "build/dist"
)

func main() {
	version := flag.String("version", "", "version to build as, such as v1.2.3")
	arch := flag.String("arch", "", "makes only what the container image has, for `amd64 or arm64`")
	into := flag.String("into", "", "the new directory for that")
	notesOnly := flag.Bool("notes", false, "prints what CHANGELOG.md says of the version, and makes nothing")
	flag.Parse()
	make := makeRelease
	if *notesOnly {
		make = printNotes
	}
	if *arch != "" {
		make = func(version string) error { return makeForImage(version, *arch, *into) }
	}
	if err := make(*version); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// versions are those that may be part of a file's name and of a flag of the linker.
var versions = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

func printNotes(version string) error {
	text, err := notes(version)
	fmt.Print(text)
	return err
}

// newBuilder is a builder of the project in the working directory, with the C compiler.
func newBuilder(version string) (*builder, error) {
	if !versions.MatchString(version) {
		return nil, fmt.Errorf("version %q: give -version, letters, digits and . + _ - only, such as v1.2.3", version)
	}
	zig, err := provideZig(tools)
	if err != nil {
		return nil, err
	}
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	return &builder{root: root, zig: zig, zigCache: filepath.Join(root, tools, "zig-cache"), tools: filepath.Join(root, tools, "release-tools")}, nil
}

// makeForImage makes in dir what the Dockerfile copies: byte for byte what a release has, by names without a version.
func makeForImage(version, arch, dir string) error {
	b, err := newBuilder(version)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(targets, func(t target) bool { return t.arch == arch })
	if i < 0 {
		return fmt.Errorf("architecture %q: amd64 and arm64 are known", arch)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	object := filepath.Join(dir, "out_sls_kafka.so")
	if err := b.object(object, targets[i], version); err != nil {
		return err
	}
	if _, err := inspect(object, targets[i]); err != nil {
		return fmt.Errorf("%s would not do: %w", object, err)
	}
	if err := b.program(filepath.Join(dir, "sls-check"), "sls-check", targets[i], version); err != nil {
		return err
	}
	return b.licences(dir, "./cmd/sls-check")
}

func makeRelease(version string) error {
	b, err := newBuilder(version)
	if err != nil {
		return err
	}
	if err := provideTools(b.root, b.tools); err != nil {
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
	if err := b.licences(dir, "./cmd/sls-check", "./cmd/sls-endpoint"); err != nil {
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
