package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// planVariable makes a test program become a container instead of running tests.
const planVariable = "SANDBOX_CONTAINER"

// plan is what the process that becomes the container is told.
type plan struct {
	Container
	NetworkNamespace string // "" is a new one
	MemoryCgroup     string // "" is none
}

// systemMounts are there in every container.
var systemMounts = []Mount{{Host: "/proc", Path: "/proc"}, {Host: "/dev", Path: "/dev"}}

// Enter becomes a container where [Start] has started the program for that, and returns otherwise. A TestMain calls it
// first.
func Enter() {
	text, asked := os.LookupEnv(planVariable)
	if !asked {
		return
	}
	var p plan
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = p.become()
	}
	fmt.Fprintln(os.Stderr, "container:", err)
	os.Exit(126)
}

// become does not return where all goes well. Namespaces are a thread's, so it stays on one.
func (p *plan) become() error {
	runtime.LockOSThread()
	if p.MemoryCgroup != "" {
		if err := os.WriteFile(filepath.Join(p.MemoryCgroup, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{{"network", p.enterNetwork}, {"mounts", p.mount}, {"root", p.enterRoot}, {"privileges", p.dropPrivileges}} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return fmt.Errorf("run %s: %w", p.Args[0], unix.Exec(p.Args[0], p.Args, p.Env))
}

func (p *plan) enterNetwork() error {
	if p.NetworkNamespace == "" {
		return unix.Unshare(unix.CLONE_NEWNET)
	}
	f, err := os.Open(p.NetworkNamespace)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
}

func (p *plan) mount() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := bind(Mount{p.Root, p.Root, p.ReadOnlyRoot}); err != nil {
		return err
	}
	for _, m := range append(systemMounts, p.Mounts...) {
		if err := bind(Mount{m.Host, filepath.Join(p.Root, m.Path), m.ReadOnly}); err != nil {
			return err
		}
	}
	return nil
}

func bind(m Mount) error {
	if err := unix.Mount(m.Host, m.Path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("%s on %s: %w", m.Host, m.Path, err)
	}
	if !m.ReadOnly {
		return nil
	}
	if err := unix.Mount("", m.Path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("%s read-only: %w", m.Path, err)
	}
	return nil
}

func (p *plan) enterRoot() error {
	if err := unix.Chroot(p.Root); err != nil {
		return err
	}
	dir := p.Dir
	if dir == "" {
		dir = "/"
	}
	return unix.Chdir(dir)
}

// dropPrivileges takes the capabilities from the bounding set, so that even root has none after the next exec
// (capabilities(7)).
func (p *plan) dropPrivileges() error {
	if !p.Capabilities {
		last := uintptr(unix.CAP_LAST_CAP)
		for c := uintptr(0); c <= last; c++ {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL { // unknown to the kernel
				return fmt.Errorf("capability %d: %w", c, err)
			}
		}
	}
	if p.NoNewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Setgroups(nil); err != nil {
		return err
	}
	if err := unix.Setresgid(p.GID, p.GID, p.GID); err != nil {
		return err
	}
	return unix.Setresuid(p.UID, p.UID, p.UID)
}
