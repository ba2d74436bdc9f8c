//go:build interop

package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// cache is where programs that the tests fetch or build are kept between runs.
func cache(elements ...string) (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep clients: %w", err)
	}
	return filepath.Join(append([]string{user, "out_sls_kafka", "interop"}, elements...)...), nil
}

// keep returns the directory of the cache that make filled, now or in an earlier run. The name says what is in it, with
// the version; the directory appears only when make has succeeded.
func keep(name string, make func(dir string) error) (string, error) {
	dir, err := cache(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // gone if all went well
	fmt.Printf("fetching %s into %s\n", name, dir)
	if err := make(fresh); err != nil {
		return "", err
	}
	return dir, os.Rename(fresh, dir)
}

// command runs a program in dir and returns what it wrote to standard output; its error ends with what it wrote at all.
func command(dir, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	var all output
	var stdout strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &all
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, stdout.String(), all.tail(10))
	}
	return stdout.String(), nil
}

// refreshed brings Debian's package lists up to date, once.
var refreshed = sync.OnceValue(func() error {
	_, err := command("", "apt-get", "update", "-qq")
	return err
})

// debianClients unpacks collectd, kcat and their library into the cache without installing them: collectd's package would
// start the daemon.
var debianClients = sync.OnceValues(func() (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", errors.New("no apt-get: collectd and kcat are taken from Debian's packages")
	}
	return keep("debian", func(dir string) error {
		if err := refreshed(); err != nil {
			return err
		}
		packages := []string{"download", "-qq", "collectd-core", "kcat", "librdkafka1", "libyajl2", "liblz4-1", "libsasl2-2", "libcap2"}
		// apt downloads as a user of its own, who must be let in.
		if err := os.Chmod(dir, 0o777); err != nil {
			return err
		}
		if _, err := command(dir, "apt-get", packages...); err != nil {
			return err
		}
		archives, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil {
			return err
		}
		for _, archive := range archives {
			if _, err := command(dir, "dpkg-deb", "-x", archive, "."); err != nil {
				return err
			}
			if err := os.Remove(archive); err != nil {
				return err
			}
		}
		return os.Chmod(dir, 0o755)
	})
})

// need sees to it that a program is on PATH, by Debian's packages where it is not.
func need(program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return fmt.Errorf("%s is not installed (Debian: apt-get install %s)", program, strings.Join(packages, " "))
	}
	installing.Lock()
	defer installing.Unlock()
	if err := refreshed(); err != nil {
		return err
	}
	args := append([]string{"-o", "DPkg::Lock::Timeout=120", "install", "-y", "-qq", "--no-install-recommends"}, packages...)
	_, err := command("", "apt-get", args...)
	return err
}

var installing sync.Mutex

// python is an interpreter with what python/requirements.txt names.
var python = sync.OnceValues(func() (string, error) {
	if err := need("python3", "python3", "python3-venv"); err != nil {
		return "", err
	}
	requirements, err := os.ReadFile("python/requirements.txt")
	if err != nil {
		return "", err
	}
	name := "python-" + strings.NewReplacer("==", "-", "\n", "").Replace(string(requirements))
	dir, err := keep(name, func(dir string) error {
		if _, err := command("", "python3", "-m", "venv", dir); err != nil {
			return err
		}
		_, err := command("", filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "-r", "python/requirements.txt")
		return err
	})
	return filepath.Join(dir, "bin", "python"), err
})

// kafkaClients are the jars of one version of Apache Kafka's client.
func kafkaClients(version string) (jars string, err error) {
	if err := errors.Join(need("javac", "default-jdk-headless"), need("mvn", "maven")); err != nil {
		return "", err
	}
	return keep("kafka-clients-"+version, func(dir string) error {
		_, err := command("", "mvn", "-B", "-q", "-f", "java/pom.xml", "dependency:copy-dependencies",
			"-Dkafka.version="+version, "-DoutputDirectory="+dir)
		return err
	})
}

// confluentGo builds one of the programs in confluentgo.
func confluentGo(version string) (string, error) {
	if err := need("cc", "gcc", "libc6-dev"); err != nil {
		return "", err
	}
	path := filepath.Join(scratch, "confluentgo-"+version)
	_, err := command("confluentgo", "go", "build", "-o", path, "./"+version)
	return path, err
}

// quick leaves out the compiler's optimisations, which take a third of the time to build.
var quick = []string{"-gcflags=github.com/...=-N -l", "-gcflags=k8s.io/...=-N -l", "-ldflags=-s -w"}

// goProgram builds a program of a Go module in the module, with its own go.mod and go.sum.
func goProgram(module, version, program string, flags ...string) (string, error) {
	name := filepath.Base(program)
	dir, err := keep(name+"-"+version, func(dir string) error {
		described, err := command("", "go", "mod", "download", "-json", module+"@"+version)
		if err != nil {
			return err
		}
		var found struct{ Dir string }
		if err := json.Unmarshal([]byte(described), &found); err != nil {
			return fmt.Errorf("go mod download: %w", err)
		}
		args := slices.Concat([]string{"build", "-o", filepath.Join(dir, name)}, quick, flags, []string{program})
		_, err = command(found.Dir, "go", args...)
		return err
	})
	return filepath.Join(dir, name), err
}
