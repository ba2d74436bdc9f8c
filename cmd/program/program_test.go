package program

import (
	"errors"
	"flag"
	"io"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionOf(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	info := func(version string, settings ...string) *debug.BuildInfo {
		i := &debug.BuildInfo{GoVersion: "go1.99", Main: debug.Module{Version: version}}
		for j := 0; j < len(settings); j += 2 {
			i.Settings = append(i.Settings, debug.BuildSetting{Key: settings[j], Value: settings[j+1]})
		}
		return i
	}
	platform := []string{"GOOS", "linux", "GOARCH", "arm64"}
	for want, c := range map[string]struct {
		linked string
		info   *debug.BuildInfo
	}{
		"x v1.2.3, commit 0123456789ab, go1.99 linux/arm64":              {"v1.2.3", info("", append(platform, "vcs.revision", revision, "vcs.modified", "false")...)},
		"x v1.2.3, commit 0123456789ab with changes, go1.99 linux/arm64": {"v1.2.3", info("v9", append(platform, "vcs.revision", revision, "vcs.modified", "true")...)},
		"x v1.0.0, commit unknown, go1.99 linux/arm64":                   {"", info("v1.0.0", platform...)},
		"x dev, commit 0123, go1.99 linux/arm64":                         {"", info("(devel)", append(platform, "vcs.revision", "0123")...)},
	} {
		if got := versionOf("x", c.linked, c.info); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What the flag package says of a value is said in words.
func TestWrongValues(t *testing.T) {
	p := &Program{Name: "x"}
	for arguments, want := range map[string]string{
		"-n":                            "flag -n needs a value",
		"-n few":                        `invalid value "few" for flag -n: want a whole number`,
		"-n 1e99":                       `invalid value "1e99" for flag -n: want a whole number`,
		"-n " + strings.Repeat("9", 30): "value out of range",
		"-f 1":                          "invalid value \"1\" for flag -f: not this one",
		"-n 1 two":                      "",
	} {
		flags := flag.NewFlagSet("x", flag.ContinueOnError)
		flags.Int("n", 0, "")
		flags.Func("f", "", func(string) error { return errors.New("not this one") })
		err := p.Parse(flags, strings.Fields(arguments), io.Discard)
		var wrong *UseError
		if want == "" {
			if err != nil || flags.NArg() != 1 {
				t.Errorf("%s: %v, %q left", arguments, err, flags.Args())
			}
		} else if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; x -h lists the flags") {
			t.Errorf("%s: %v, want %q", arguments, err, want)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestHelpThatCannotBeWritten(t *testing.T) {
	for _, argument := range []string{"-h", "-version"} {
		flags := flag.NewFlagSet("x", flag.ContinueOnError)
		if err := (&Program{Name: "x"}).Parse(flags, []string{argument}, brokenWriter{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v, want the write error", argument, err)
		}
	}
}

func TestWrap(t *testing.T) {
	if got, want := wrap("one two  three four", 9, "> "), "> one two\n> three\n> four\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
