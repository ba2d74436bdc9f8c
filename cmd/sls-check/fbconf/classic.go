package fbconf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxFiles is how many files a classic configuration may have.
// Source: FLB_CF_FILE_NUM_LIMIT, flb_cf_fluentbit.c.
const maxFiles = 1000

// classicReader reads the classic format.
type classicReader struct {
	*reader
	root string // directory of the main file
	read []classicInfo
}

// classicInfo is a file that was read, and the line that asked for it.
type classicInfo struct {
	fs.FileInfo
	at Place
}

func (c *classicReader) main(path string) error {
	at := Place{File: path}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return &Error{at, "cannot be read: " + cause(err), "fix the path, or make the file readable"}
	}
	c.root = filepath.Dir(real)
	return c.file(path, at)
}

// include reads what an @INCLUDE names: one file, sought first where Fluent Bit runs and then in the directory of the
// main file, or with a * in it all files of that directory that match.
func (c *classicReader) include(path string, at Place) error {
	if !strings.Contains(path, "*") && c.absent(path, at) {
		return nil
	}
	path = Below(c.below, path)
	if !strings.Contains(path, "*") {
		return c.file(path, at)
	}
	pattern := path
	if !filepath.IsAbs(path) {
		pattern = filepath.Join(c.root, path)
	}
	paths, err := glob(pattern)
	if err != nil || len(paths) == 0 {
		return &Error{at, "no file matches the pattern of this @INCLUDE", "fix the pattern (it is " + pattern + "), or remove the line"}
	}
	for _, path := range paths {
		if err := c.file(path, at); err != nil {
			return err
		}
	}
	return nil
}

// file reads one file, which the line at asks for.
func (c *classicReader) file(path string, at Place) error {
	if len(c.read) >= maxFiles {
		return &Error{at, "more than 1000 files are included", "include fewer files"}
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(path) {
		path = filepath.Join(c.root, path)
		info, err = os.Stat(path)
	}
	var content []byte
	if err == nil && !info.IsDir() {
		content, err = c.budget.readFile(path)
	}
	if err != nil {
		return &Error{at, path + " cannot be read: " + cause(err), "fix the path, or make the file readable for Fluent Bit"}
	}
	for _, other := range c.read {
		if os.SameFile(info, other.FileInfo) {
			return &Error{at, path + " is read a second time" + first(other.at), "include each file once; a pattern must not match the file that includes it"}
		}
	}
	c.read = append(c.read, classicInfo{info, at})
	c.opened(path)
	if info.IsDir() {
		c.remark(at, path+" is a directory, and none of its files is read", inDirectory(path, at, ".conf"))
	}
	return c.lines(path, string(content))
}

func (c *classicReader) lines(path, content string) error {
	f := &classicFile{classicReader: c, at: Place{File: path}, content: content}
	for content != "" {
		line, rest, ended := strings.Cut(content, "\n")
		if ended {
			line = strings.TrimSuffix(line, "\r")
		}
		line, _, _ = strings.Cut(line, "\x00") // where a line ends for C
		f.at.Line++
		if err := f.line(line); err != nil {
			return err
		}
		content = rest
	}
	return nil
}

// glob is glob(3): unlike [filepath.Glob] a wildcard does not match the dot at the beginning of a name.
func glob(pattern string) (paths []string, err error) {
	all, err := filepath.Glob(pattern)
	for _, path := range all {
		if !hidden(pattern, path) {
			paths = append(paths, path)
		}
	}
	return paths, err
}

func hidden(pattern, path string) bool {
	names := strings.Split(path, "/")
	for i, p := range strings.Split(pattern, "/") {
		if i < len(names) && strings.HasPrefix(names[i], ".") && !strings.HasPrefix(p, ".") {
			return true
		}
	}
	return false
}
