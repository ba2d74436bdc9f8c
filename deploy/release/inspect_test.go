package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// sound is a shared object without a fault; each test adds one.
var (
	sound        = "int getpid(void); int " + strings.Join(callbacks, "(void) { return getpid(); }\nint ") + "(void) { return getpid(); }\n"
	flagsOfSound = []string{"-Wl,-Bsymbolic", "-Wl,-z,nodelete", "-Wl,-z,now"}
)

func TestInspectFindsFaults(t *testing.T) {
	here := slices.IndexFunc(targets, func(t target) bool { return t.arch == runtime.GOARCH })
	if here < 0 {
		t.Skipf("%s is not a target", runtime.GOARCH)
	}
	for name, c := range map[string]struct {
		source string
		flags  []string
		want   string // "" is none
	}{
		"none":              {sound, flagsOfSound, ""},
		"callback missing":  {strings.Replace(sound, "FLBPluginInit", "initialise", 1), flagsOfSound, "does not export the function FLBPluginInit"},
		"callback hidden":   {strings.Replace(sound, "int FLB", "static int FLB", 1), flagsOfSound, "does not export the function " + callbacks[0]},
		"newer glibc":       {"int getentropy(void *, unsigned long); int f(void) { return getentropy(0, 0); } " + sound, flagsOfSound, "needs symbols of GLIBC_2.25"},
		"found nowhere":     {"int nowhere(void); int f(void) { return nowhere(); } " + sound, flagsOfSound, "needs the symbol nowhere"},
		"library":           {sound, append([]string{"-Wl,--no-as-needed", "-lm"}, flagsOfSound...), "needs the library libm.so.6"},
		"path of libraries": {sound, append([]string{"-Wl,-rpath,/opt"}, flagsOfSound...), "looks for libraries in [/opt]"},
		"not symbolic":      {sound, flagsOfSound[1:], "it is not symbolic"},
		"may be unloaded":   {sound, flagsOfSound[:1], "it may be unloaded"},
		"bound late":        {sound, flagsOfSound[:2], "found one by one"},
		"exports more":      {"int more(void) { return 0; } " + sound, flagsOfSound, "it exports more"},
		"code with address": {"__asm__(\".text\\n.quad FLBPluginInit\\n\"); " + sound, append([]string{"-Wl,-z,notext"}, flagsOfSound...), "TEXTREL"},
		"executable stack":  {sound, append([]string{"-Wl,-z,execstack"}, flagsOfSound...), "makes the stack executable"},
		"thread memory":     {"__thread char room[4096]; char *f(void) { return room; } " + sound, flagsOfSound, "wants 4096 bytes of each thread"},
	} {
		t.Run(name, func(t *testing.T) {
			path := compileC(t, c.source, c.flags...)
			_, err := inspect(path, targets[here])
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	t.Run("other machine", func(t *testing.T) {
		other := targets[1-here]
		_, err := inspect(compileC(t, sound, flagsOfSound...), other)
		if want := "not ET_DYN for " + other.machine.String(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	})
}

// compileC makes a shared object of a C source.
func compileC(t *testing.T, source string, flags ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.so")
	file := filepath.Join(t.TempDir(), "a.c")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-shared", "-fPIC", "-O1", "-o", path, file}, flags...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	return path
}
