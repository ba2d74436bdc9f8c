package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// provideTools builds into dir the programs that the module deploy/release/tools of the project in root names, by the
// versions and the sums of that module.
func provideTools(root, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir+string(filepath.Separator), "tool")
	cmd.Dir, cmd.Env = filepath.Join(root, "deploy/release/tools"), append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("tools of the release: %w", err)
	}
	return nil
}
