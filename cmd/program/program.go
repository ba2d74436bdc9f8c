// Package program is what the programs of cmd/ say about themselves, all in the same form: their help, their version,
// and what is wrong with a command line.
package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// Program is what the user of a program must know before the first start. The texts are plain: no line of an example is
// wrapped, everything else is.
type Program struct {
	Name     string // as it is started
	Summary  string // what it does, after its name
	Usage    string // the form of its arguments
	Statuses []Status
	Examples []Example
	Version  string // set by the linker; "" takes what the go command recorded
}

// Status is an exit status and what it means.
type Status struct {
	Code int
	When string
}

// Example is what the arguments do, and the arguments.
type Example struct{ What, Arguments string }

// StatusWrongUse is the exit status of every program after a [UseError].
const StatusWrongUse = 2

// ErrDone says that help or the version was printed, which was all there was to do.
var ErrDone = errors.New("nothing is left to do")

// UseError says in one line what is wrong with the command line, and where help is.
type UseError struct{ text string }

func (e *UseError) Error() string { return e.text }

// Wrong is a [UseError].
func (p *Program) Wrong(format string, a ...any) error {
	return &UseError{fmt.Sprintf(format, a...) + "; " + p.Name + " -h lists the flags"}
}

// Parse reads the flags. It answers -h and -version on stdout, with [ErrDone]; wrong use is a [UseError]. What stands
// behind the flags is left to the caller, since it may be half of a secret that must not be repeated.
func (p *Program) Parse(flags *flag.FlagSet, arguments []string, stdout io.Writer) error {
	flags.SetOutput(io.Discard) // the flag package repeats all flags after each error
	version := flags.Bool("version", false, "print version, commit and version of Go")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return printed(io.WriteString(stdout, p.help(flags)))
	case err != nil:
		return p.Wrong("%s", inWords(err.Error()))
	case *version:
		info, _ := debug.ReadBuildInfo() // every program built in module mode has it
		return printed(io.WriteString(stdout, versionOf(p.Name, p.Version, info)+"\n"))
	}
	return p.checkSwitch(flags, arguments)
}

// printed is what is left to do after a write.
func printed(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return ErrDone
}

// inWords says what the flag package says in words that need no Go.
func inWords(text string) string {
	if name, found := strings.CutPrefix(text, "flag provided but not defined: "); found {
		return "unknown flag " + name
	}
	if name, found := strings.CutPrefix(text, "flag needs an argument: "); found {
		return "flag " + name + " needs a value"
	}
	if value, found := strings.CutSuffix(text, ": parse error"); found {
		if strings.HasPrefix(text, "invalid boolean") {
			return value + ": want true or false"
		}
		return value + ": want a whole number"
	}
	return text
}

// checkSwitch refuses -flag true, in which true is not the flag's value and ends the flags.
func (p *Program) checkSwitch(flags *flag.FlagSet, arguments []string) error {
	at := len(arguments) - flags.NArg()
	switch flags.Arg(0) {
	case "true", "false", "on", "off", "yes", "no":
		if at > 0 && strings.HasPrefix(arguments[at-1], "-") {
			return p.Wrong("unexpected argument %q: write %s=true or %[2]s=false", flags.Arg(0), arguments[at-1])
		}
	}
	return nil
}

// versionOf is name, version, commit, and what the program was built with and for. The version that the linker set
// comes before the one of the module, which has one where the go command found a tag.
func versionOf(name, linked string, info *debug.BuildInfo) string {
	version, commit, changed := linked, "unknown", ""
	if info == nil {
		info = &debug.BuildInfo{GoVersion: "unknown version of Go"}
	}
	if version == "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	if version == "" {
		version = "dev"
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	const digits = 12 // identify a commit and still fit a line
	if revision := settings["vcs.revision"]; revision != "" {
		commit = revision[:min(digits, len(revision))]
	}
	if settings["vcs.modified"] == "true" {
		changed = " with changes"
	}
	return fmt.Sprintf("%s %s, commit %s%s, %s %s/%s", name, version, commit, changed, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}
