package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// move is how a configuration of this project's is driven: what in it must be local, how a record comes in, and what
// must land.
type move struct {
	section string
	// local are the paths and ports in the block to put local values for; a port's value is free, a path's in a
	// directory of the test.
	files, ports []string
	// feed gives the input a record; at is the time it should have where it carries one.
	feed   func(t *testing.T, dir string, port string, at time.Time)
	timed  bool                // the record carries its own time
	fields []map[string]string // of a log each; "*" stands for any value
}

const typesDB = "gauge value:GAUGE:U:U\n"

// long is a line that tail does not take unless told to.
var long = strings.Repeat("long ", 20_000)

var moves = []move{
	{section: "Beats", files: []string{"/var/log/app/"}, feed: appendLine(long + "\nhello"), fields: []map[string]string{{"log": long}, {"log": "hello"}}},
	{section: "Collectd", files: []string{"/usr/share/collectd/"}, ports: []string{"25826"}, feed: sendMetric,
		fields: []map[string]string{{"plugin": "interop", "type": "gauge", "type_instance": "temperature", "value": "21.5", "time": "*"}}},
	{section: "Telegraf", ports: []string{"8125"}, feed: sendStatsd,
		fields: []map[string]string{{"metric": "cpu", "cpu_p": "*"}, {"metric": "statsd", "bucket": "logins", "type": "counter", "value": "*"}}},
	{section: "Fluentd", ports: []string{"24224"}, feed: sendForward, timed: true, fields: []map[string]string{{"message": "hello"}}},
	{section: "Logstash", ports: []string{"5170"}, feed: sendTCP, fields: []map[string]string{{"message": "hello", "@timestamp": "*"}}},
	{section: "Fluent Bit's built-in kafka output", files: []string{"/var/log/containers/"},
		feed:   appendLine("2026-01-02T03:04:05.678901234Z stdout F hello"),
		fields: []map[string]string{{"log": "hello", "stream": "stdout", "@timestamp": "*"}}},
	{section: "Vector", ports: []string{"9880"}, feed: post("/app", func(time.Time) string { return `{"message":"hello"}` }),
		fields: []map[string]string{{"message": "hello"}}},
	{section: "Kafka producers", ports: []string{"4318"}, feed: post("/v1/logs", otlpLogs), timed: true,
		fields: []map[string]string{{"log": "hello", "resource": "*", "otlp": "*"}}},
}

// Each configuration of this project's in the directory migrate is checked with --dry-run and then delivers a record that came
// in by its own input. Without Fluent Bit its output alone is run, on the bundled host.
func TestMigrate(t *testing.T) {
	documented := slices.DeleteFunc(blocks(t), func(b block) bool { return !b.ours() })
	if len(documented) != len(moves) {
		t.Fatalf("test/interop/migrate has %d configurations of ours, the test drives %d", len(documented), len(moves))
	}
	so, err := plugin()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range moves {
		b := documented[i]
		if b.section != m.section {
			t.Fatalf("configuration %d is of %q, want %q", i+1, b.section, m.section)
		}
		t.Run(m.section, func(t *testing.T) {
			t.Parallel()
			t.Run("bundled host", func(t *testing.T) { m.onBundledHost(t, so, b) })
			t.Run("Fluent Bit", func(t *testing.T) {
				if fluentBit() == "" {
					t.Skip("no fluent-bit on PATH and FLUENT_BIT not set: the input of this configuration was not run")
				}
				m.onFluentBit(t, so, b)
			})
		})
	}
}

// localise puts local values into a block and returns the configuration file and the port that its input listens on.
func (m move) localise(s *service, b block) (file, port string) {
	text := replace(s.t, b.text, "/var/lib/fluent-bit", filepath.Join(s.dir, "lib"))
	s.write("lib/.keep", "")
	for _, f := range m.files {
		text = replace(s.t, text, f, filepath.Join(s.dir, f)+"/")
		s.write(f+".keep", "")
	}
	s.write("/usr/share/collectd/types.db", typesDB)
	for _, p := range m.ports {
		port = freePort(s.t)
		text = replace(s.t, text, " "+p, " "+port)
	}
	if strings.Contains(text, "tls_ca_file") {
		text = replace(s.t, text, "/etc/ssl/certs/ca-bundle.crt", s.ca)
	}
	return s.write("fluent-bit.conf", text), port
}

func (m move) onFluentBit(t *testing.T, so string, b block) {
	s := startService(t)
	file, port := m.localise(s, b)
	dryRun(s, fluentBit(), so, file)
	p := start(t, s.env(), fluentBit(), "-e", so, "-c", file)
	if port != "" {
		awaitListener(t, p, port)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	m.feed(t, s.dir, port, at)
	if !m.timed {
		at = time.Time{}
	}
	if m.section == "Fluent Bit's built-in kafka output" {
		at = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC) // the line's own, read by the cri parser
	}
	for _, fields := range m.fields {
		s.wantTime(s.awaitLog(fields, 30*time.Second), at)
	}
	p.stop()
}

func (m move) onBundledHost(t *testing.T, so string, b block) {
	s := startService(t)
	file, _ := m.localise(s, b)
	host, err := bundledHost()
	if err != nil {
		t.Fatal(err)
	}
	dryRun(s, host, so, file)
	p := start(t, s.env(), host, "-e", so, "-c", file, "-J")
	p.feed(`{"message":"from the bundled host"}`)
	p.wantExit(30 * time.Second)
	logs := s.await(1, time.Second)
	wantFields(t, logs[0], map[string]string{"message": "from the bundled host"})
	s.wantTime(logs[0], time.Time{})
}

func dryRun(s *service, host, so, file string) {
	s.t.Helper()
	cmd := exec.Command(host, "-e", so, "-c", file, "--dry-run")
	cmd.Env = append(cmd.Environ(), s.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("--dry-run: %v\n%s", err, out)
	}
}

// freePort is a port on which nothing listens, neither TCP nor UDP.
func freePort(t *testing.T) string {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		l.Close()
		if err == nil {
			u.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no port is free for both TCP and UDP")
	return ""
}

// awaitListener waits until something listens on the port, TCP or UDP. It asks the kernel: to listen oneself may be in the
// way of the program in the very moment in which it wants to.
func awaitListener(t *testing.T, p *process, port string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-p.done:
			t.Fatal("the program ended before it listened")
		case <-time.After(20 * time.Millisecond):
		}
		if listens(t, port) {
			return
		}
	}
	t.Fatalf("nothing listens on port %s", port)
}

// listens tells whether a socket of this machine has the port and no other end: the second field of /proc/net is the
// local address in hexadecimal, the third the remote one.
func listens(t *testing.T, port string) bool {
	t.Helper()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	local := fmt.Sprintf(":%04X", number)
	for _, kind := range []string{"tcp", "tcp6", "udp", "udp6"} {
		table, err := os.ReadFile("/proc/net/" + kind)
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line)
			if len(fields) > 2 && strings.HasSuffix(fields[1], local) && strings.HasSuffix(fields[2], ":0000") {
				return true
			}
		}
	}
	return false
}
