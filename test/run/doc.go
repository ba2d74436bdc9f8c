// Package run finds, builds and runs the programs that the tests and their commands need: Fluent Bit, the
// plugin's shared object, the bundled host, and any other.
//
// What is there and what is built:
//
//	FluentBit() (path string, err error)   FLUENT_BIT or PATH; ErrNoFluentBit where there is none
//	FluentBits() (paths []string, err error)   all that FLUENT_BITS names, or the one above
//	Version(path string) (string, error)   first line of what path --version prints
//	NeedFluentBit(t, what) (path string)   for a test, which is skipped where there is none
//
//	var builds run.Builds                  builds each thing once, below one directory; ready as it is
//	builds.Plugin() (path string, err error)
//	builds.Host(flags ...string) (path string, err error)
//	builds.Go(pkg string, flags ...string) (path string, err error)
//	builds.C(dir string, flags ...string) (path string, err error)
//	builds.Close() error                   removes the directory, in TestMain after m.Run
//
// What runs, from a program:
//
//	p, err := run.Start(run.Command{Path: path, Args: args, Env: env})
//	p.Input                                its standard input
//	p.Await(ctx, text, n) (line, err)      until n lines of its output hold text; fails when it ends before
//	p.Lines(), p.Output(), p.Tail(n),
//	p.Count(text)                          its output so far
//	p.Signal(sig), p.Stop(ctx), p.Kill(), p.Wait(ctx), p.Done()
//	p.Pid(), p.Threads(), p.Descriptors(), p.Resident(), p.PeakResident()
//
// And from a test, where what fails ends the test, and what was started ends with it:
//
//	p := run.StartTest(t, run.Command{Path: path, Args: args})
//	p.Await(text, n, limit) (line string)
//	p.Wait(limit) (code int)
//	p.Stop() (code int)
//	p.Signal(sig)
//	p.Feed(lines...)                       writes the lines to its standard input and closes it
//
// Nothing outlives the program that started it, however that ends.
package run
