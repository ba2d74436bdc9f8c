package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// callbacks are what a host looks up in the shared object, from Fluent Bit 1.4 to 5.1.1 (src/flb_plugin_proxy.c,
// src/proxy/go/go.c).
var callbacks = []string{
	"FLBPluginPreRegister", "FLBPluginRegister", "FLBPluginInit", "FLBPluginFlushCtx",
	"FLBPluginExitCtx", "FLBPluginExit", "FLBPluginUnregister",
}

// threadBytes is how much memory of each thread the shared object may ask for. glibc keeps somewhat over a kilobyte for
// all that is loaded later together (elf/dl-tls.c); the Go runtime needs a word or two of it.
const threadBytes = 64

// contents are what a shared object was found to be.
type contents struct {
	needs    []string // libraries
	versions []string // of their symbols, ascending
}

func (c contents) String() string {
	return fmt.Sprintf("needs %s, symbols of %s", strings.Join(c.needs, " "), strings.Join(c.versions, " "))
}

// inspect reads a shared object. Its error is every reason for which a host on the target could not load it, or should
// not.
func inspect(path string, t target) (contents, error) {
	f, err := elf.Open(path)
	if err != nil {
		return contents{}, err
	}
	defer f.Close()
	if f.Machine != t.machine || f.Type != elf.ET_DYN {
		return contents{}, fmt.Errorf("it is %v for %v, not %v for %v", f.Type, f.Machine, elf.ET_DYN, t.machine)
	}
	var c contents
	var noLibrary, noVersion error
	c.needs, noLibrary = libraries(f, t)
	c.versions, noVersion = symbolVersions(f)
	return c, errors.Join(noLibrary, noVersion, symbols(f), flags(f), segments(f, t))
}

// libraries returns the libraries it needs. Only the C library's own are on every host.
func libraries(f *elf.File, t target) (needed []string, err error) {
	needed, err = f.ImportedLibraries()
	for _, library := range needed {
		if !slices.Contains([]string{"libc.so.6", "libpthread.so.0", "libdl.so.2", t.loader}, library) {
			err = errors.Join(err, fmt.Errorf("it needs the library %s", library))
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		paths, pathErr := f.DynString(tag)
		if err = errors.Join(err, pathErr); len(paths) > 0 {
			err = errors.Join(err, fmt.Errorf("it looks for libraries in %v (%v)", paths, tag))
		}
	}
	return needed, err
}

// symbolVersions returns the versions of the symbols that libraries must have.
func symbolVersions(f *elf.File) (names []string, err error) {
	needs, err := f.DynamicVersionNeeds()
	for _, library := range needs {
		for _, need := range library.Needs {
			if !slices.Contains(names, need.Dep) {
				names = append(names, need.Dep)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return slices.Compare(versionNumbers(a), versionNumbers(b)) })
	for _, name := range names {
		if numbers := versionNumbers(name); numbers == nil || slices.Compare(numbers, versionNumbers("GLIBC_"+glibc)) > 0 {
			err = errors.Join(err, fmt.Errorf("it needs symbols of %s, and glibc %s has none", name, glibc))
		}
	}
	return names, err
}

// versionNumbers are those of a version such as GLIBC_2.3.4, nil where it is not of that form.
func versionNumbers(name string) (numbers []int) {
	digits, ok := strings.CutPrefix(name, "GLIBC_")
	for part := range strings.SplitSeq(digits, ".") {
		n, err := strconv.Atoi(part)
		if !ok || err != nil {
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// symbols checks that it has what hosts look up, and that what it looks up itself was found when it was linked: the
// linker leaves the rest without a version, for a host to stumble over.
func symbols(f *elf.File) (err error) {
	symbols, err := f.DynamicSymbols()
	exported := make(map[string]bool)
	for _, s := range symbols {
		bind := elf.ST_BIND(s.Info)
		switch {
		case s.Section != elf.SHN_UNDEF:
			exported[s.Name] = bind == elf.STB_GLOBAL && elf.ST_TYPE(s.Info) == elf.STT_FUNC &&
				elf.ST_VISIBILITY(s.Other) == elf.STV_DEFAULT
		case bind == elf.STB_GLOBAL && s.Version == "":
			err = errors.Join(err, fmt.Errorf("it needs the symbol %s, and glibc %s has none", s.Name, glibc))
		}
	}
	for _, name := range callbacks {
		if !exported[name] {
			err = errors.Join(err, fmt.Errorf("it does not export the function %s", name))
		}
		delete(exported, name)
	}
	for name := range exported {
		err = errors.Join(err, fmt.Errorf("it exports %s, which is nobody's but its own", name))
	}
	return err
}

// flags checks what the dynamic linker is told.
func flags(f *elf.File) (err error) {
	flags, err := dynamicFlags(f, elf.DT_FLAGS)
	flags1, err1 := dynamicFlags(f, elf.DT_FLAGS_1)
	err = errors.Join(err, err1)
	if elf.DynFlag(flags)&elf.DF_SYMBOLIC == 0 {
		err = errors.Join(err, errors.New("it is not symbolic: a function of the host with the name of one of its own would be called instead"))
	}
	if elf.DynFlag(flags)&elf.DF_BIND_NOW == 0 && elf.DynFlag1(flags1)&elf.DF_1_NOW == 0 {
		err = errors.Join(err, errors.New("its functions are found one by one, in a table that stays writable"))
	}
	if elf.DynFlag1(flags1)&elf.DF_1_NODELETE == 0 {
		err = errors.Join(err, errors.New("it may be unloaded (no NODELETE), but a Go runtime cannot be"))
	}
	relocated, tagErr := f.DynValue(elf.DT_TEXTREL)
	if err = errors.Join(err, tagErr); len(relocated) > 0 || elf.DynFlag(flags)&elf.DF_TEXTREL != 0 {
		err = errors.Join(err, errors.New("its code must be written to when it is loaded (TEXTREL), which hardened hosts refuse"))
	}
	return err
}

func dynamicFlags(f *elf.File, tag elf.DynTag) (flags uint64, err error) {
	values, err := f.DynValue(tag)
	for _, v := range values {
		flags |= v
	}
	return flags, err
}

// segments checks how it lies in memory.
func segments(f *elf.File, t target) (err error) {
	stack := false
	for _, s := range f.Progs {
		switch {
		case s.Type == elf.PT_GNU_STACK:
			stack = s.Flags&elf.PF_X == 0
		case s.Type == elf.PT_TLS && s.Memsz > threadBytes:
			err = errors.Join(err, fmt.Errorf("it wants %d bytes of each thread, at most %d are sure to be free", s.Memsz, threadBytes))
		case s.Type == elf.PT_LOAD:
			if s.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
				err = errors.Join(err, errors.New("a segment is writable code"))
			}
			if s.Align%t.page != 0 {
				err = errors.Join(err, fmt.Errorf("a segment is aligned to %d bytes, and pages may have %d", s.Align, t.page))
			}
		}
	}
	if !stack {
		err = errors.Join(err, errors.New("it makes the stack executable"))
	}
	return err
}
