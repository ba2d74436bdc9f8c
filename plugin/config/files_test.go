package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"out_sls_kafka/plugin/regular"
)

// parseSoon fails the test where reading the configuration waits for anything.
func parseSoon(t *testing.T, src Source) (warnings []string, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, warnings, err = Parse(src)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it hangs")
	}
	return warnings, err
}

// What is not a regular file is refused, whatever reads or writes it, and holds nothing up.
func TestFilesThatAreNotRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, link, dangling, target := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling"), filepath.Join(dir, "target")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(target, []byte("id#secret-one"), 0o600), os.Symlink(target, link), os.Symlink(filepath.Join(dir, "elsewhere"), dangling)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ option, path, want string }{
		{"dead_letter_file", pipe, "not a regular file"},
		{"dead_letter_file", link, "not a regular file"},
		{"dead_letter_file", dangling, "not a regular file"},
		{"dead_letter_file", "/dev/null", "not a regular file"},
		{"dead_letter_file", dir, "is a directory"},
		{"dead_letter_file", target, ""},
		{"credentials_file", pipe, "not a regular file"},
		{"credentials_file", "/dev/zero", "not a regular file"},
		{"credentials_file", link, ""}, // as Kubernetes makes those of a Secret
		{"tls_ca_file", pipe, "not a regular file"},
		{"tls_ca_file", "/dev/zero", "not a regular file"},
		{"tls_cert_file", pipe, "not a regular file"},
		{"tls_key_file", pipe, ""}, // not read: the certificate is refused
	} {
		for _, examine := range []bool{false, true} {
			properties := with(c.option, c.path)
			switch c.option {
			case "credentials_file":
				properties["access_key_id"], properties["access_key_secret"] = "", ""
			case "tls_cert_file":
				properties["tls_key_file"] = pipe
			}
			src := source(properties)
			src.Examine = examine
			_, err := parseSoon(t, src)
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) || c.want == "" && err != nil && strings.Contains(err.Error(), "regular") {
				t.Errorf("%s %s, examine %v: %v, want %q", c.option, c.path, examine, err, c.want)
			}
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link was followed: %v", err)
	}
}

// What is put in the place of a file that was looked at is not written: a pipe that somebody
// reads, a link to a file that is there, or that would be made.
func TestPipeInPlaceOfDeadLetters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, target := filepath.Join(dir, "pipe"), filepath.Join(dir, "target")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(target, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": target, "dangling": filepath.Join(dir, "elsewhere")} {
		link := filepath.Join(dir, name)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if f, err := openToAppend(link); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if f, err := openToAppend(pipe); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("%v, %v", f, err)
	}
}

// A file of megabytes is not read whole.
func TestHugeFiles(t *testing.T) {
	t.Parallel()
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"credentials_file", "tls_ca_file"} {
		properties := with(option, huge)
		if option == "credentials_file" {
			properties["access_key_id"], properties["access_key_secret"] = "", ""
		}
		if _, err := parseSoon(t, source(properties)); err == nil || !strings.Contains(err.Error(), "larger than 4 MB") {
			t.Errorf("%s: %v", option, err)
		}
	}
}

// Files that hold records or the AccessKey and are open to others get a warning.
func TestModesOfFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		option string
		mode   fs.FileMode
		owner  int
		want   string
	}{
		{"dead_letter_file", 0o600, 0, ""},
		{"dead_letter_file", 0o640, 0, ""},
		{"dead_letter_file", 0o666, 0, "is open to others (mode 0666)"},
		{"dead_letter_file", 0o604, 0, "is open to others (mode 0604)"},
		{"dead_letter_file", 0o600, 4321, "belongs to user 4321"},
		{"credentials_file", 0o400, 0, ""},
		{"credentials_file", 0o440, 0, ""},
		{"credentials_file", 0o644, 0, "is open to others (mode 0644), and holds the AccessKey"},
		{"credentials_file", 0o460, 0, "is open to others (mode 0460)"},
	} {
		t.Run(fmt.Sprint(c.option, " ", c.mode, " ", c.owner), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if err := errors.Join(os.WriteFile(file, []byte("id#secret-one"), 0o600), os.Chmod(file, c.mode)); err != nil {
				t.Fatal(err)
			}
			if c.owner != 0 {
				if err := os.Chown(file, c.owner, -1); err != nil {
					t.Skipf("only root may give a file away: %v", err)
				}
			}
			properties := with(c.option, file)
			if c.option == "credentials_file" {
				properties["access_key_id"], properties["access_key_secret"] = "", ""
			}
			warnings, err := parseSoon(t, source(properties))
			if text := strings.Join(warnings, "\n"); err != nil || !strings.Contains(text, c.want) || c.want == "" && text != "" {
				t.Errorf("warnings %q, %v; want %q", warnings, err, c.want)
			}
		})
	}
}
