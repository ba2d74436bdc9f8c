package run

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Threads is how many threads the process has.
func (p *Process) Threads() (int, error) { return p.entries("task") }

// Descriptors is how many files the process holds open.
func (p *Process) Descriptors() (int, error) { return p.entries("fd") }

// entries counts what the process has in a directory of proc(5).
func (p *Process) entries(dir string) (int, error) {
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", p.Pid(), dir))
	return len(names), err
}

// Resident is the memory of the process that is in RAM, in bytes.
func (p *Process) Resident() (int64, error) { return p.status("VmRSS:") }

// PeakResident is the most that Resident has been, in bytes. It is this process's own: what wait4(2) tells after the end
// counts the program that started it too, from before the process became another program.
func (p *Process) PeakResident() (int64, error) { return p.status("VmHWM:") }

// status reads a size from the status that proc(5) describes, which has it in KiB.
func (p *Process) status(label string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(status), "\n"+label)
	fields := strings.Fields(after)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("%v has no memory, it has ended", p)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}
