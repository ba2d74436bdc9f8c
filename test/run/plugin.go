package run

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// BuildPlugin builds the plugin's shared object at path as every build does: with the flags of host/build.env, and the
// versions of the plugin's own module, whichever module the test is of.
func BuildPlugin(path string) error {
	root, err := root()
	if err != nil {
		return err
	}
	flags, err := os.ReadFile(filepath.Join(root, "host", "build.env"))
	if err != nil {
		return err
	}
	env := make(map[string]string)
	for line := range strings.Lines(string(flags)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			env[name] = strings.ReplaceAll(value, "@", root)
		}
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags", `-w "-extldflags=`+env["EXTLDFLAGS"]+`"`, "-o", path, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_CFLAGS="+env["CGO_CFLAGS"])
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return nil
}
