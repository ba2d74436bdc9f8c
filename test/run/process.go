package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command says what is run and how.
type Command struct {
	Path string   // of the program
	Args []string // what follows the program's name
	Env  []string // NAME=value, added to the environment of this program
	Dir  string   // to run in; "" is where this program runs
}

// Process is a program that was started. Its methods may be called from several goroutines.
type Process struct {
	// Input is its standard input. It is closed when the process has ended.
	Input io.WriteCloser

	cmd  *exec.Cmd
	out  output
	done chan struct{}
	err  error // of its output; read it when done is closed
}

// outputDelay is how long the output of a process that has ended is read on: another process may hold it open.
const outputDelay = 5 * time.Second

// Start starts a program. It is killed when this program ends.
func Start(c Command) (*Process, error) {
	p := &Process{cmd: exec.Command(c.Path, c.Args...), done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = append(os.Environ(), c.Env...), c.Dir
	// Two streams: a line of one is not torn by a line of the other.
	stdout, stderr := &stream{to: &p.out}, &stream{to: &p.out}
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.cmd.WaitDelay = outputDelay
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.Input, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	started := make(chan error)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		if err := p.cmd.Wait(); p.cmd.ProcessState == nil || err == exec.ErrWaitDelay {
			p.err = err // another tells how the process ended, and ProcessState does
		}
		stdout.end()
		stderr.end()
		close(p.done)
	}()
	return p, nil
}

// starter runs what it is given on one thread that stays. With Pdeathsig the kernel kills a process when the thread that
// started it ends, be it long before the program of that thread (prctl(2), PR_SET_PDEATHSIG).
var starter = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range starts {
			f()
		}
	}()
	return starts
})

// String is the name of the program.
func (p *Process) String() string { return filepath.Base(p.cmd.Path) }

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and all of its output was read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and says how it ended; a bad end is not an error. The error says that it still runs
// when ctx is done, or that its output could not be read to the end.
func (p *Process) Wait(ctx context.Context) (*os.ProcessState, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		if !p.ended() {
			return nil, fmt.Errorf("%v still runs: %w", p, context.Cause(ctx))
		}
	}
	if p.err != nil {
		return p.cmd.ProcessState, fmt.Errorf("output of %v: %w", p, p.err)
	}
	return p.cmd.ProcessState, nil
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends a signal; the error is [os.ErrProcessDone] where the process has ended.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop ends the process as a service manager does, by SIGTERM, and by SIGKILL when ctx is done; that is an error. The
// process may have ended before.
func (p *Process) Stop(ctx context.Context) (*os.ProcessState, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil && err != os.ErrProcessDone {
		return nil, fmt.Errorf("stop %v: %w", p, err)
	}
	state, err := p.Wait(ctx)
	p.Kill()
	return state, err
}

// Kill ends the process at once and waits for its end. The process may have ended before.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only where it has ended
	<-p.done
}

// Await waits until n lines of the output hold text, and returns the last of them. It fails when the process has ended
// before, and when ctx is done.
func (p *Process) Await(ctx context.Context, text string, n int) (line string, err error) {
	for seen, read := 0, 0; ; {
		ended := p.ended() // asked before the lines: then they are all there
		lines, grown := p.out.since(read)
		read += len(lines)
		for _, line := range lines {
			if strings.Contains(line, text) {
				if seen++; seen == n {
					return line, nil
				}
			}
		}
		if ended {
			return "", fmt.Errorf("%v has ended (%v), and %d lines of its output hold %q, want %d", p, p.cmd.ProcessState, seen, text, n)
		}
		select {
		case <-grown:
		case <-p.done:
		case <-ctx.Done():
			return "", fmt.Errorf("%d lines of the output of %v hold %q, want %d: %w", seen, p, text, n, context.Cause(ctx))
		}
	}
}

// Lines are the lines of the output so far, without their ends; those of standard output and of standard error are each
// in their order. A line that is not at its end is among them only when the process has ended.
func (p *Process) Lines() []string {
	lines, _ := p.out.since(0)
	return lines
}

// Output is the output so far.
func (p *Process) Output() string { return text(p.Lines()) }

// Tail is the last n lines of the output so far.
func (p *Process) Tail(n int) string {
	lines := p.Lines()
	return text(lines[max(0, len(lines)-n):])
}

// Count is how many lines of the output so far hold text.
func (p *Process) Count(text string) (n int) {
	for _, line := range p.Lines() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
