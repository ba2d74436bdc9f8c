package main

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The CA's key and the logs are for their owner alone, also where a file with another mode was.
func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	ca, out := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "logs.json")
	if err := os.WriteFile(ca+keyEnding, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(ca+keyEnding, 0o666); err != nil {
		t.Fatal(err)
	}
	c := startCommand(t, "-ca-file", ca, "-out", out)
	c.stop()
	for path, want := range map[string]fs.FileMode{ca + keyEnding: 0o600, out: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", filepath.Base(path), info.Mode(), err)
		}
	}
}

// Who serves the page to others is told what that means.
func TestPageBeyondLoopback(t *testing.T) {
	for address, warned := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		c := startCommand(t, "-http", address)
		page := c.line()
		c.stop()
		rest := c.line()
		if !strings.HasPrefix(page, "page on http://") || strings.HasPrefix(rest, "warning: whoever reaches that address") != warned {
			t.Errorf("%s: %q, then %q", address, page, rest)
		}
	}
}

// The CA that clients are told to trust is for this machine's names alone, after a restart too.
func TestCAIsForThisMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	for range 2 {
		ca, err := caFromFile(file)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(ca.PEM())
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !certificate.PermittedDNSDomainsCritical || !slices.Contains(certificate.PermittedDNSDomains, "localhost") || len(certificate.PermittedIPRanges) == 0 {
			t.Errorf("it may issue for %q and %v", certificate.PermittedDNSDomains, certificate.PermittedIPRanges)
		}
	}
}
