//go:build packages

package packages

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/example"
	"out_sls_kafka/test/run"
	"out_sls_kafka/test/sls"
)

// installed are the files of both packages and their modes.
var installed = map[string]string{
	"/etc/fluent-bit/sls-kafka-plugins.conf":                      "-rw-r--r--",
	"/etc/fluent-bit/sls-kafka.env":                               "-rw-------",
	"/usr/bin/sls-check":                                          "-rwxr-xr-x",
	"/usr/bin/sls-endpoint":                                       "-rwxr-xr-x",
	"/usr/lib/fluent-bit/out_sls_kafka.so":                        "-rw-r--r--",
	"/usr/lib/systemd/system/fluent-bit.service.d/sls-kafka.conf": "-rw-r--r--",
	"/usr/share/doc/fluent-bit-sls-kafka/THIRD_PARTY_NOTICES.txt": "-rw-r--r--",
	"/usr/share/doc/fluent-bit-sls-kafka/copyright":               "-rw-r--r--",
	"/usr/share/fluent-bit-sls-kafka/fluent-bit.conf":             "-rw-r--r--",
}

// officialUnit is the unit of the official packages of Fluent Bit: init/systemd.in of its sources, as its cpack
// configuration fills it in.
const officialUnit = `[Unit]
Description=Fluent Bit
Documentation=https://docs.fluentbit.io/manual/
Requires=network.target
After=network.target

[Service]
Type=simple
EnvironmentFile=-/etc/sysconfig/fluent-bit
EnvironmentFile=-/etc/default/fluent-bit
ExecStart=/opt/fluent-bit/bin/fluent-bit -c //etc/fluent-bit/fluent-bit.conf
Restart=always

[Install]
WantedBy=multi-user.target
`

// The deb installs its files and no other, none of them one of Fluent Bit's own packages; purged, it leaves none.
func TestDebInstallsAndLeaves(t *testing.T) {
	deb, system := packageFile(t, "deb"), debian(t)
	before := system.files(t)
	must(t, "cp", deb, system.path("/tmp/plugin.deb"))
	must(t, "chroot", string(system), "dpkg", "--install", "/tmp/plugin.deb")
	if err := os.Remove(system.path("/tmp/plugin.deb")); err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, system)
	var files []string
	for path := range system.files(t) {
		if info, err := os.Lstat(system.path(path)); err == nil && !info.IsDir() && !before[path] && !strings.HasPrefix(path, "/var/log/") {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	if want := slices.Sorted(maps.Keys(installed)); !slices.Equal(files, want) {
		t.Errorf("it installed\n%s\nwant\n%s", strings.Join(files, "\n"), strings.Join(want, "\n"))
	}
	must(t, "chroot", string(system), "dpkg", "--purge", "fluent-bit-sls-kafka")
	for path := range system.files(t) {
		if !before[path] && !strings.HasPrefix(path, "/var/log/") {
			t.Errorf("purged, it leaves %s", path)
		}
	}
}

// wantInstalled fails unless each file is there with its mode, root's.
func wantInstalled(t *testing.T, system root) {
	t.Helper()
	for path, mode := range installed {
		info, err := os.Lstat(system.path(path))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode().String() != mode || info.Size() == 0 {
			t.Errorf("%s: mode %v, %d bytes, want %s", path, info.Mode(), info.Size(), mode)
		}
	}
}

// After the steps of docs/install.md the unit is sound, and what it starts ships lines: Fluent Bit, where the official
// package puts it, with the packaged example, environment and plugins file.
func TestUnitShipsLines(t *testing.T) {
	const lines = 1000
	fluentBit := run.NeedFluentBit(t, "the deb in it")
	deb, system := packageFile(t, "deb"), debian(t)
	system.program(t, fluentBit, "/opt/fluent-bit/bin/fluent-bit")
	system.write(t, "/usr/lib/systemd/system/fluent-bit.service", officialUnit)
	must(t, "cp", deb, system.path("/tmp/plugin.deb"))
	must(t, "chroot", string(system), "dpkg", "--install", "/tmp/plugin.deb")

	e, err := sls.Start(sls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	config, err := example.Config(system.read(t, "/usr/share/fluent-bit-sls-kafka/fluent-bit.conf"), e.Addr(), "/etc/fluent-bit/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	system.write(t, "/etc/fluent-bit/ca.pem", string(e.CAPEM()))
	system.write(t, "/etc/fluent-bit/fluent-bit.conf", config)
	fill(t, system, map[string]string{"SLS_PROJECT": "demo-project", "SLS_LOGSTORE": "demo", "SLS_REGION": "cn-hangzhou",
		"SLS_ACCESS_KEY_ID": "demo-id", "SLS_ACCESS_KEY_SECRET": "demo-secret"})
	var text strings.Builder
	for i := range lines {
		text.WriteString("line " + strconv.Itoa(i) + "\n")
	}
	system.write(t, "/var/log/app.log", text.String())

	system.mountProc(t)
	unit := readUnit(t, system)
	if err := os.MkdirAll(system.path("/var/lib/"+unit.state), 0o755); err != nil {
		t.Fatal(err)
	}
	check := system.command(append([]string{"/usr/bin/env"}, append(unit.environment, "sls-check", "-c", "/etc/fluent-bit/fluent-bit.conf", "-online")...)...)
	if p := run.StartTest(t, check); p.Wait(time.Minute) != 0 {
		t.Errorf("sls-check:\n%s", p.Output())
	}
	p := run.StartTest(t, system.command(append([]string{"/usr/bin/env"}, append(unit.environment, unit.command...)...)...))
	p.Await("logstore demo of project demo-project is reachable", 1, time.Minute)
	landed(t, e, lines)
	if _, err := os.Stat(system.path("/var/lib/" + unit.state + "/storage-spool/lock")); err != nil {
		t.Errorf("the spool is not in the unit's StateDirectory: %v", err)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// landed waits until each of the lines landed.
func landed(t *testing.T, e *sls.Endpoint, lines int) {
	t.Helper()
	missing := make(map[string]bool)
	for i := range lines {
		missing["line "+strconv.Itoa(i)] = true
	}
	for end := time.Now().Add(time.Minute); len(missing) > 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, l := range e.Logs("demo") {
			for _, f := range l.Fields() {
				delete(missing, f.Value)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d of %d lines did not land", len(missing), lines)
	}
}

// fill gives values to the variables of the packaged environment file. Each must be there without one.
func fill(t *testing.T, system root, values map[string]string) {
	t.Helper()
	const file = "/etc/fluent-bit/sls-kafka.env"
	text := system.read(t, file)
	for name, value := range values {
		if strings.Count(text, "\n"+name+"=\n") != 1 {
			t.Errorf("%s has not one empty line %s=", file, name)
		}
		text = strings.Replace(text, "\n"+name+"=\n", "\n"+name+"="+value+"\n", 1)
	}
	system.write(t, file, text)
}

// unit is what a service manager makes of the unit and its drop-in.
type unit struct {
	command, environment []string
	state                string // StateDirectory
}

// readUnit has systemd check the unit, and reads of it what this test starts.
func readUnit(t *testing.T, system root) (u unit) {
	t.Helper()
	analyze := need(t, "systemd-analyze", "systemd")
	// minbase has no units, and those that ours names must be there.
	for _, name := range []string{"network", "multi-user", "sysinit", "basic", "shutdown"} {
		system.write(t, "/usr/lib/systemd/system/"+name+".target", "[Unit]\nDescription="+name+"\n")
	}
	out, err := exec.Command(analyze, "verify", "--man=no", "--root="+string(system), "fluent-bit.service").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	text := officialUnit + system.read(t, "/usr/lib/systemd/system/fluent-bit.service.d/sls-kafka.conf")
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "ExecStart":
			u.command = strings.Fields(value)
		case "StateDirectory":
			u.state = value
		case "EnvironmentFile":
			u.environment = append(u.environment, variables(system, strings.TrimPrefix(value, "-"))...)
		}
	}
	if len(u.command) == 0 || u.state == "" || len(u.environment) == 0 {
		t.Fatalf("the unit has %+v", u)
	}
	return u
}

// variables are those of an environment file; none if it is not there, which a hyphen before its name allows.
func variables(system root, path string) (list []string) {
	text, err := os.ReadFile(system.path(path))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// The rpm has the same files; rpm installs them and finds them as they were packed.
func TestRPMInstalls(t *testing.T) {
	rpm, file := need(t, "rpm", "rpm"), packageFile(t, "rpm")
	if os.Getuid() != 0 {
		t.Skip("not root: rpm --root needs it")
	}
	listed := make(map[string]string)
	for line := range strings.Lines(must(t, rpm, "-qp", "--queryformat", "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]", file)) {
		f := strings.Fields(line)
		listed[f[3]] = f[0]
		if f[1]+f[2] != "rootroot" {
			t.Errorf("%s is of %s:%s", f[3], f[1], f[2])
		}
	}
	if !maps.Equal(listed, installed) {
		t.Errorf("it lists %v, want %v", listed, installed)
	}
	configs := strings.Fields(must(t, rpm, "-qpc", file))
	if want := []string{"/etc/fluent-bit/sls-kafka-plugins.conf", "/etc/fluent-bit/sls-kafka.env"}; !slices.Equal(configs, want) {
		t.Errorf("configuration files %v, want %v", configs, want)
	}
	system := root(filepath.Join(t.TempDir(), "root"))
	if err := os.Mkdir(string(system), 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, rpm, "--root", string(system), "--nodeps", "--install", file)
	wantInstalled(t, system)
	must(t, rpm, "--root", string(system), "--nodeps", "--verify", "fluent-bit-sls-kafka")
}
