package run

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Builds builds programs of this project, each once, below a directory of its own. The zero value is ready; Close removes
// the directory. Its methods may be called from several goroutines.
type Builds struct {
	mu   sync.Mutex
	dir  string // "" until there is something to build
	made map[string]func() (path string, err error)
}

// Plugin builds the plugin's shared object.
func (b *Builds) Plugin() (path string, err error) {
	return b.once("plugin", "out_sls_kafka.so", BuildPlugin)
}

// Host builds the bundled host, which loads the plugin as Fluent Bit does; flags for the compiler make it look like
// another version.
func (b *Builds) Host(flags ...string) (path string, err error) {
	return b.c("host", "test/host/src", append([]string{"-rdynamic"}, flags...))
}

// Go builds a command of this project's Go module, given by its import path.
func (b *Builds) Go(pkg string, flags ...string) (path string, err error) {
	return b.once(fmt.Sprint(pkg, flags), filepath.Base(pkg), func(path string) error { return goBuild(path, pkg, flags...) })
}

// C builds the C sources in a directory of this project, given from its root, into one program, or with -shared and
// -fPIC among the flags into a shared object.
func (b *Builds) C(dir string, flags ...string) (path string, err error) {
	return b.c(filepath.Base(dir), dir, flags)
}

func (b *Builds) c(name, dir string, flags []string) (path string, err error) {
	return b.once(fmt.Sprint(dir, flags), name, func(path string) error { return cBuild(path, dir, flags) })
}

// once returns the path at which build has built name, now or before.
func (b *Builds) once(key, name string, build func(path string) error) (string, error) {
	made, err := b.entry(key, name, build)
	if err != nil {
		return "", err
	}
	return made()
}

// entry is what builds the thing when it is called first.
func (b *Builds) entry(key, name string, build func(path string) error) (func() (string, error), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "sls-kafka-builds")
		if err != nil {
			return nil, err
		}
		b.dir, b.made = dir, make(map[string]func() (string, error))
	}
	if b.made[key] == nil {
		path := filepath.Join(b.dir, strconv.Itoa(len(b.made)), name)
		b.made[key] = sync.OnceValues(func() (string, error) { return path, build(path) })
	}
	return b.made[key], nil
}

// Close removes all that was built.
func (b *Builds) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		return nil
	}
	dir := b.dir
	b.dir, b.made = "", nil
	return os.RemoveAll(dir)
}

// module is this project's.
const module = "out_sls_kafka"

func goBuild(path, pkg string, flags ...string) error {
	args := append(append([]string{"build", "-o", path}, flags...), pkg)
	return compile("go", args...)
}

// root is where the module is.
func root() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("where is the module %s: %w", module, err)
	}
	return strings.TrimSpace(string(dir)), nil
}

func cBuild(path, dir string, flags []string) error {
	root, err := root()
	if err != nil {
		return err
	}
	pattern := filepath.Join(root, dir, "*.c")
	sources, err := filepath.Glob(pattern)
	if err != nil || len(sources) == 0 {
		return errors.Join(err, fmt.Errorf("no C sources %s", pattern))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	args := append(append([]string{"-O1", "-g", "-o", path}, flags...), sources...)
	return compile("cc", append(args, "-ldl", "-lpthread")...)
}

// compile runs a compiler.
func compile(compiler string, args ...string) error {
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", compiler, strings.Join(args, " "), err, out)
	}
	return nil
}
