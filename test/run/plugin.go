package run

import (
	"fmt"
	"os"
	"os/exec"
	"out_sls_kafka/deploy/buildflags"
)

// BuildPlugin builds the plugin's shared object at path as every build does: with the flags of host/build.env, and the
// versions of the plugin's own module, whichever module the test is of.
func BuildPlugin(path string) error {
	root, err := root()
	if err != nil {
		return err
	}
	flags, err := buildflags.Read(root)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags", `-w "-extldflags=`+flags["EXTLDFLAGS"]+`"`, "-o", path, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_CFLAGS="+flags["CGO_CFLAGS"])
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	return nil
}
