// Package host_test checks the bundled test host with a plugin written in C that answers as it is told.
package host_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestCallOrder(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one")+output("Id two"))
	code, out := run(t, compile(t, false), "a\n", "-c", conf)
	wantEnd(t, code, out, 0, "host: lines=1 chunks=1 ok=1 retries=0 dropped=0 reloads=0")
	main, pipe := "thread="+threadName(compile(t, false)), "thread=flb-pipeline"
	wantCalls(t, out,
		"PreRegister 0 "+main, "Register - "+main,
		"Init one "+pipe, "Init two "+pipe, "PreRun 1 "+pipe, "PreRun 1 "+pipe,
		"FlushCtx one tag=host.0 size=20 waited=- "+pipe, "FlushCtx two tag=host.0 size=20 waited=- "+pipe,
		"PreExit 0 "+pipe, "ExitCtx one exit_signal=0 "+pipe, "PreExit 0 "+pipe, "ExitCtx two exit_signal=0 "+pipe,
		"Unregister - "+main)
}

func TestInitFails(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one")+output("Id two", "Init fail")+output("Id three"))
	code, out := run(t, compile(t, false), "a\n", "-c", conf)
	wantEnd(t, code, out, 255, "[output] failed to initialize 'testplugin.1'")
	main, pipe := "thread="+threadName(compile(t, false)), "thread=flb-pipeline"
	wantCalls(t, out, "PreRegister 0 "+main, "Register - "+main, "Init one "+pipe, "Init two "+pipe,
		"PreExit 0 "+pipe, "ExitCtx one exit_signal=0 "+pipe, "PreExit 0 "+pipe, "ExitCtx NULL exit_signal=0 "+pipe,
		"Unregister - "+main)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	code, out := run(t, compile(t, false), "", "--dry-run")
	main := "thread=" + threadName(compile(t, false))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantCalls(t, out, "PreRegister 0 "+main, "Register - "+main, "PreExit 0 "+main, "ExitCtx NULL exit_signal=0 "+main,
		"Unregister - "+main)
}

// While a flush waits on the event loop the other output ticks on; while one sleeps in its callback nothing does.
func TestTickDuringFlush(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variant      []string
		mode, waited string
		ticks        bool
	}{
		{nil, "suspend", "loop", true},
		{[]string{"-DHOST_CORO_SHIFT"}, "suspend", "loop", true},
		{[]string{"-DHOST_VERSION=10910"}, "suspend", "loop", true},
		{[]string{"-DHOST_NO_CORO_LAYOUT"}, "suspend", "poll", false},
		{[]string{"-DHOST_EVENT_LAYOUT_OTHER"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_CORO_GET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_CORO_SET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_FLB_ENGINE_EVL_GET"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_CO_ACTIVE"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_CO_SWITCH"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_MK_EVENT_ADD"}, "suspend", "poll", false},
		{[]string{"-DHOST_WITHOUT_MK_EVENT_DEL"}, "suspend", "poll", false},
		{nil, "block", "-", false},
	} {
		t.Run(fmt.Sprint(c.variant, c.mode), func(t *testing.T) {
			t.Parallel()
			conf := writeFile(t, "f.conf", output("Mode "+c.mode, "Delay 1200")+"[OUTPUT]\n  Name tick\n")
			code, out := run(t, compile(t, false, c.variant...), "a\n", "-c", conf, "-f", "1")
			wantEnd(t, code, out, 0, "waited="+c.waited)
			during := 0
			for _, l := range out {
				if strings.HasPrefix(l, "call FlushCtx") {
					break
				}
				if strings.HasPrefix(l, "tick ") {
					during++
				}
			}
			if c.ticks && during < 4 || !c.ticks && during > 1 {
				t.Errorf("%d ticks before the flush of 1200 ms returned:\n%s", during, strings.Join(out, "\n"))
			}
		})
	}
}

// Many flushes may be suspended at once on the engine's thread, each on its own coroutine.
func TestManySuspendedFlushes(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-w", "2"}} {
		out := filepath.Join(t.TempDir(), "out")
		code, lines := run(t, compile(t, false), numbers(0, 500),
			append([]string{"-b", "1", "-s", "24", "-p", "mode=suspend", "-p", "delay=300", "-p", "out=" + out}, flags...)...)
		wantEnd(t, code, lines, 0, "lines=500 chunks=500 ok=500")
		wantNumbers(t, 500, false, out)
		suspended, most := 0, 0
		for _, c := range calls(lines) {
			if strings.HasPrefix(c, "Suspend") {
				suspended++
			} else if strings.HasPrefix(c, "FlushCtx") {
				suspended--
			}
			most = max(most, suspended)
		}
		if most < 100 {
			t.Errorf("at most %d flushes were suspended at once", most)
		}
	}
}

// Workers get chunks in turn, idle or not, and are joined before ExitCtx; the engine is free while they work.
func TestWorkers(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Mode block", "Delay 400", "Workers 3")+"[OUTPUT]\n  Name tick\n")
	code, out := run(t, compile(t, false), numbers(0, 6), "-c", conf, "-b", "1")
	wantEnd(t, code, out, 0, "chunks=6 ok=6")
	for i := range 3 {
		if n := count(out, fmt.Sprintf("thread=flb-out-w%d", i)); n != 2 {
			t.Errorf("worker %d had %d of 6 chunks", i, n)
		}
	}
	if n := count(out, "tick "); n < 4 {
		t.Errorf("%d ticks while workers slept 800 ms", n)
	}
	if c := calls(out); !strings.HasPrefix(c[len(c)-2], "ExitCtx") {
		t.Errorf("calls: %v", c)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, conf, end string
		code            int
	}{
		{"one retry is the default limit", output("Mode retry", "Times 1"), "ok=1 retries=1 dropped=0", 0},
		{"beyond the limit dropped", output("Mode retry", "Times 2"), "ok=0 retries=1 dropped=1", 1},
		{"limit 3", output("Mode retry", "Times 4", "Retry_Limit 3"), "ok=0 retries=3 dropped=1", 1},
		{"no limits", output("Mode retry", "Times 9", "Retry_Limit no_limits"), "ok=1 retries=9 dropped=0", 0},
		{"no retries", output("Mode retry", "Times 1", "Retry_Limit no_retries"), "ok=0 retries=0 dropped=1", 1},
		{"error", output("Mode error"), "ok=0 retries=0 dropped=1", 1},
		{"one of two drops", output("Mode error") + output("Mode suspend", "Delay 200"), "ok=0 retries=0 dropped=1", 1},
		{"nobody takes the tag", "[OUTPUT]\n Name testplugin\n Match other.*\n", "ok=0 retries=0 dropped=1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out := run(t, compile(t, false), "a\n", "-R", "5", "-c", writeFile(t, "f.conf", c.conf))
			wantEnd(t, code, out, c.code, c.end)
		})
	}
}

func TestRegistrationStruct(t *testing.T) {
	t.Parallel()
	p := start(t, compile(t, false, "-DHOST_VERSION=40202"), []string{"TESTPLUGIN_OVERFLOW=1"})
	code, out := p.wait()
	wantEnd(t, code, out, -1, "FLBPluginRegister wrote byte 32 of a registration struct of 32 bytes")

	p = start(t, compile(t, false), []string{"TESTPLUGIN_OVERFLOW=1"}) // 4 of the 48 bytes' own
	p.stdin.Close()
	code, out = p.wait()
	wantEnd(t, code, out, 0, "dropped=0")

	p = start(t, compile(t, false), []string{"TESTPLUGIN_LEAK=1"})
	p.stdin.Close()
	_, out = p.wait()
	if count(out, "was not freed by FLBPluginUnregister") != 1 {
		t.Errorf("no word of the leak:\n%s", strings.Join(out, "\n"))
	}
	_, out = run(t, compile(t, false), "")
	if count(out, "was not freed") != 0 {
		t.Errorf("a leak where there is none:\n%s", strings.Join(out, "\n"))
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	log := writeFile(t, "app.log", "one\ntwo\nthree")
	for _, c := range []struct {
		name, conf string
		args       []string
		code       int
		want       string
	}{
		{"environment", output("Id ${HOST_TEST_ID}-${HOST_TEST_NONE:-b}"), nil, 0, "call Init a-b "},
		{"unset variable", output("Id ${HOST_TEST_NONE}"), nil, 0, "${HOST_TEST_NONE} is used but not set"},
		{"first of two wins", output("Id one", "Id two"), nil, 0, "call Init one "},
		{"any case, comment, inner blanks", "# c\n[output]\nNAME TESTPLUGIN\n  # c\nID  a # b  \nMatch *\n", nil, 0, "call Init a # b "},
		{"swallowed", output("Host x", "net.keepalive off", "tls.verify off", "Alias a"), nil, 0, "ok=1"},
		{"-p", output("Mode ok"), []string{"-p", "id=p"}, 0, "call Init p "},
		{"match with a prefix", "[OUTPUT]\n  Name testplugin\n  Match ho*.0\n", nil, 0, "ok=1"},
		{"tail", "[INPUT]\n  Name tail\n  Path " + log + "\n  Tag app\n" + output("Id one"), []string{"-n"}, 0, "lines=3 chunks=1 ok=1"},
		{"tail's tag", "[INPUT]\n  Name tail\n  Path " + log + "\n  Tag app\n" + output("Id one"), []string{"-n"}, 0, "tag=app "},
		{"tls on", output("tls on"), nil, 1, "testplugin.0 does not support TLS"},
		{"no value", output("Id"), nil, 1, "line 4: 'Id' has no value"},
		{"unknown output", "[OUTPUT]\n  Name kafka\n", nil, 1, "Name 'kafka' is neither the loaded plugin (testplugin) nor tick"},
		{"no such tail file", "[INPUT]\n Name tail\n Path /nowhere/x\n" + output("Id one"), []string{"-n"}, 1, "cannot read /nowhere/x"},
		{"flush", "[SERVICE]\n Flush none\n" + output("Id one"), nil, 1, "Flush 'none'"},
		{"bad flag", output("Id one"), []string{"-b", "many"}, 2, "-b many"},
		{"unknown flag", output("Id one"), []string{"-z"}, 2, "invalid option"},
		{"help", output("Id one"), []string{"--help"}, 0, "--dry-run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, compile(t, false), []string{"HOST_TEST_ID=a"}, append([]string{"-c", writeFile(t, "f.conf", c.conf)}, c.args...)...)
			io.WriteString(p.stdin, "a\n")
			p.stdin.Close()
			code, out := p.wait()
			wantEnd(t, code, out, c.code, c.want)
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	conf := writeFile(t, "f.conf", output("Id one", "Log_Level debug")+output("Id two"))
	file := filepath.Join(t.TempDir(), "log")
	_, out := run(t, compile(t, false), "", "-c", conf, "-l", file)
	logged, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`(?m)^\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{9}\] \[( info|debug)\] level [34]$`)
	if got := form.FindAllString(string(logged), -1); len(got) != 3 {
		t.Errorf("log file:\n%s", logged)
	}
	if n := count(out, "level 3 (foreign thread)") + count(out, "level 4 (foreign thread)"); n != 3 || count(out, "level") != 3 {
		t.Errorf("on stderr:\n%s", strings.Join(out, "\n"))
	}
	_, out = run(t, compile(t, false, "-DHOST_VERSION=10910"), "")
	if count(out, "level 3") != 0 {
		t.Errorf("a 1.9 host cannot log:\n%s", strings.Join(out, "\n"))
	}
}

// The host itself has no memory fault in any of its ways to end.
func TestAddressSanitizer(t *testing.T) {
	t.Parallel()
	host := compile(t, false, "-fsanitize=address")
	for _, args := range [][]string{
		{"-b", "1", "-p", "mode=suspend", "-p", "delay=20"},
		{"-b", "1", "-w", "2", "-p", "mode=suspend", "-p", "delay=20"},
		{"-b", "1", "-p", "mode=retry", "-p", "times=3", "-R", "1"},
		{"-b", "1", "-p", "mode=burst", "-p", "burst=4", "-p", "leave=on"},
		{"-b", "1", "-w", "1", "-p", "mode=burst", "-p", "burst=4"},
		{"-J", "-T", "3", "-S", filepath.Join(t.TempDir(), "chunks")},
		{"-p", "init=fail"},
		{"--dry-run"},
	} {
		_, out := run(t, host, "{\"a\":[1,{}]}\nb\nc\nd\n", args...)
		if count(out, "ERROR: ") > 0 {
			t.Errorf("%v:\n%s", args, strings.Join(out, "\n"))
		}
	}
	p := start(t, host, nil, "-b", "1", "-g", "0", "-p", "mode=suspend", "-p", "delay=never")
	io.WriteString(p.stdin, "a\nb\n")
	p.await("call Suspend", 2)
	p.signal(syscall.SIGTERM)
	if code, out := p.wait(); code != 0 && count(out, "ERROR: AddressSanitizer") > 0 {
		t.Errorf("SIGTERM:\n%s", strings.Join(out, "\n"))
	}
}
