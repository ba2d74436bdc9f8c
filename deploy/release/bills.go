package main

import (
	"os/exec"
	"path/filepath"
)

// billSuffix follows the name of a binary in the name of its bill of materials, which is CycloneDX in JSON.
const billSuffix = ".cdx.json"

// bills writes the bill of materials of each binary in dir. It is made of what the go command put into the binary, so
// that it is about these very bytes, and has neither time nor serial number, so that it is the same each time.
func (b *builder) bills(dir, version string, binaries []string) error {
	for _, name := range binaries {
		path := filepath.Join(dir, name)
		cmd := exec.Command(filepath.Join(b.tools, "cyclonedx-gomod"), "bin", "-json", "-std", "-noserial", "-notimestamp",
			"-version", version, "-output", path+billSuffix, path)
		cmd.Dir = b.root
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}
