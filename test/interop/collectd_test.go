//go:build interop

package interop

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCollectd(t *testing.T) {
	client(t, row{example: 2, client: "Collectd", setting: exampleSettings}, func(t *testing.T, r *row) error {
		debian, err := debianClients()
		if err != nil {
			return err
		}
		for _, topic := range []string{logstore, logstore + ".json"} {
			t.Run(topic, func(t *testing.T) {
				s := startService(t)
				startCollectd(s, debian, s.fill(documented(t, "Collectd", 0), topic), func(p *process, _ string) {
					log := s.await(1, limit)[0]
					list, ok := wantContent(t, log).([]any) // an array, so .json does not expand it
					if !ok || len(list) != 1 {
						t.Fatalf("content %s, want an array of one object", log.Value)
					}
					metric := list[0].(map[string]any)
					if metric["plugin"] != "interop" || metric["type_instance"] != "temperature" {
						t.Errorf("metric %v", metric)
					}
					if string(log.Key) != "content" {
						t.Errorf("key %q, want content", log.Key)
					}
					s.wantTime(log, time.Time{})
					r.version = wordAfter(collectdVersion(t, p), "\ncollectd ")
				})
			})
		}
		r.version += ", librdkafka " + debianLibrdkafka(t, debian)
		r.result = "works: content; an array of one object, so .json is not expanded; time of sending"
		return nil
	})
}

// The other way round: collectd's own network plugin, as docs/migrate.md has it, into Fluent Bit's collectd input.
func TestCollectdNetwork(t *testing.T) {
	client(t, row{example: 2, client: "Collectd by its network plugin, out_sls_kafka", setting: "docs/migrate.md"}, func(t *testing.T, r *row) error {
		debian, err := debianClients()
		if err != nil {
			return err
		}
		if fluentBit() == "" {
			return errors.New("no fluent-bit on PATH and FLUENT_BIT not set")
		}
		so, err := plugin()
		if err != nil {
			t.Fatal(err)
		}
		s := startService(t)
		move := moves[1]
		var ours block
		for _, b := range blocks(t) {
			if b.ours() && b.section == move.section {
				ours = b
			}
		}
		file, port := move.localise(s, ours)
		agent := start(t, s.env(), fluentBit(), "-e", so, "-c", file)
		awaitListener(t, agent, port)
		config := replace(t, documented(t, "Collectd", 1), "25826", port)
		startCollectd(s, debian, config, func(p *process, socket string) {
			for deadline := time.Now().Add(limit); s.Count(logstore) == 0 && time.Now().Before(deadline); {
				tellCollectd(p, socket, "FLUSH timeout=0 plugin=network") // sends a packet that is not yet full
				time.Sleep(100 * time.Millisecond)
			}
			log := s.await(1, limit)[0]
			wantFields(t, log, map[string]string{"plugin": "interop", "type": "gauge", "type_instance": "temperature", "value": "21.5", "time": fmt.Sprint(eventTime.Unix())})
			r.version = wordAfter(collectdVersion(t, p), "\ncollectd ")
		})
		agent.stop()
		r.result = "works: a field for each part of the metric"
		return nil
	})
}

// startCollectd runs collectd with a configuration and hands it one metric; it is ended after while.
func startCollectd(s *service, debian, config string, while func(p *process, socket string)) {
	s.t.Helper()
	socket := filepath.Join(s.dir, "socket")
	file := s.write("collectd.conf", fmt.Sprintf(`
Hostname "interop.test"
BaseDir %q
PIDFile %q
PluginDir %q
TypesDB %q
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile %q
</Plugin>
`, s.dir, filepath.Join(s.dir, "pid"), filepath.Join(debian, "usr/lib/collectd"),
		filepath.Join(debian, "usr/share/collectd/types.db"), socket)+config)
	p := start(s.t, append(s.env(), libraries(debian)), filepath.Join(debian, "usr/sbin/collectd"), "-f", "-C", file)
	giveMetric(p, socket)
	while(p, socket)
	p.stop()
}

// giveMetric hands collectd one metric by its unixsock plugin, as soon as that listens.
func giveMetric(p *process, socket string) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for _, err := os.Stat(socket); err != nil; _, err = os.Stat(socket) {
		select {
		case <-p.done:
			p.t.Fatal("collectd has ended")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatal(err)
		}
	}
	tellCollectd(p, socket, fmt.Sprintf("PUTVAL interop.test/interop/gauge-temperature interval=10 %d:21.5", eventTime.Unix()))
}

// tellCollectd gives a command to the unixsock plugin.
func tellCollectd(p *process, socket, command string) {
	p.t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, command); err != nil {
		p.t.Fatal(err)
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(answer, "0 ") {
		p.t.Fatalf("%s: %q %v", command, answer, err)
	}
}

func collectdVersion(t *testing.T, p *process) string {
	t.Helper()
	cmd := exec.Command(p.cmd.Path, "-h")
	cmd.Env = p.cmd.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
