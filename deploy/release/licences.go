package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// noticesFile has the licences of what others wrote and the binaries hold.
const noticesFile = "THIRD_PARTY_NOTICES.txt"

// licenceNames are those of files that hold licences, and notices that a licence says must go along.
var licenceNames = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licences puts into dir the project's licence and those of what others wrote, in the shared object and these programs.
func (b *builder) licences(dir string, programs ...string) error {
	own, err := os.ReadFile(filepath.Join(b.root, "LICENSE"))
	if err != nil {
		return err
	}
	linked, err := b.linked(programs)
	if err != nil {
		return err
	}
	notices, err := notices(linked)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "LICENSE"), own, 0o644),
		os.WriteFile(filepath.Join(dir, noticesFile), notices, 0o644))
}

// module is a Go module, or Go itself, that has linked packages.
type module struct {
	name, version string
	dir           string
	packages      []string // their directories, from dir
}

// linked returns what is linked on any target, Go first, then modules by name. The C compiler and the C library leave
// nothing of theirs in a shared object.
func (b *builder) linked(programs []string) ([]module, error) {
	byName := map[string]*module{}
	for _, t := range targets {
		goroot, err := b.goCommand(t, "env", "GOROOT")
		if err != nil {
			return nil, err
		}
		byName[""] = &module{name: "Go", version: goVersion, dir: strings.TrimSpace(string(goroot)), packages: []string{"."}}
		list, err := b.goCommand(t, append([]string{"list", "-deps", "-tags", tags, "-json=Dir,ImportPath,Module", "."}, programs...)...)
		if err != nil {
			return nil, err
		}
		if err := addPackages(byName, list); err != nil {
			return nil, fmt.Errorf("what go list says for %s: %w", t.arch, err)
		}
	}
	var all []module
	for _, m := range byName {
		slices.Sort(m.packages)
		m.packages = slices.Compact(m.packages)
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// addPackages adds the packages of what go list prints to their modules; those of Go itself and of this module are none.
func addPackages(byName map[string]*module, list []byte) error {
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			Dir, ImportPath string
			Module          *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := d.Decode(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := byName[p.Module.Path]
		if m == nil {
			m = &module{name: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir}
			byName[m.name] = m
		}
		in, err := filepath.Rel(m.dir, p.Dir)
		if err != nil {
			return fmt.Errorf("package %s: %w", p.ImportPath, err)
		}
		m.packages = append(m.packages, filepath.ToSlash(in))
	}
}

// notices is the text of what is linked: each with all its licences.
func notices(linked []module) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("The binaries here are made of this project, whose licence is in LICENSE,\nand of the following.\n")
	for _, m := range linked {
		files, err := m.licenceFiles()
		if err != nil {
			return nil, fmt.Errorf("licences of %s %s: %w", m.name, m.version, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(m.dir, file))
			if err != nil {
				return nil, err
			}
			line := strings.Repeat("=", 80)
			fmt.Fprintf(&b, "\n%s\n%s %s: %s\n%s\n\n%s\n", line, m.name, m.version, file, line, bytes.TrimSpace(text))
		}
	}
	return b.Bytes(), nil
}

// licenceFiles returns the files of the module that hold the licences of its linked packages: those in a package's
// directory and those above it. Each module has one at its root.
func (m module) licenceFiles() (files []string, err error) {
	var dirs []string
	for _, dir := range m.packages {
		for ; !slices.Contains(dirs, dir); dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		entries, err := fs.ReadDir(os.DirFS(m.dir), dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && licenceNames.MatchString(e.Name()) {
				files = append(files, path.Join(dir, e.Name()))
			}
		}
	}
	if len(files) == 0 || strings.Contains(files[0], "/") {
		return nil, fmt.Errorf("none in %s: it must not be given to others without", m.dir)
	}
	return files, nil
}
