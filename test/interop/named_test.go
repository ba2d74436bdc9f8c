//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// byHand is the result of a client that no package of this machine's has, found by hand with the version said. Where a
// variable names the program the test runs it instead.
type byHand struct{ variable, version, result string }

func (b byHand) Error() string {
	return fmt.Sprintf("by hand with %s: %s; %s= names one to run", b.version, b.result, b.variable)
}

// named is the program that a variable of the environment names, "" where it is not set.
func named(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	if name == "" {
		return ""
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return path
}

// versionOf is the last word of the first line that a program prints of itself.
func versionOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", path, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		t.Fatalf("%s --version: %q", path, out)
	}
	return words[1]
}

// wantJob checks what a client of the page's settings sent: the lines, as content and as fields, at any time.
func wantJob(t *testing.T, run func(s *service, topic string)) {
	for _, topic := range []string{logstore, logstore + ".json"} {
		t.Run(topic, func(t *testing.T) {
			s := startService(t)
			run(s, topic)
			logs := s.await(sent, 3*limit)
			if topic == logstore {
				for _, log := range logs {
					wantContent(t, log)
				}
			} else {
				for i, log := range byField(t, logs, "n") {
					if got, want := fieldsOf(t, log)["msg"], fmt.Sprintf("Hello World %d", i+1); got != want {
						t.Errorf("field msg %q, want %q", got, want)
					}
				}
			}
			wantCount(s, sent)
		})
	}
}

func TestFluentd(t *testing.T) {
	found := byHand{"FLUENTD", "Fluentd 1.18.0, fluent-plugin-kafka 0.19.7, ruby-kafka 1.5.1, 26 Nov 2026", "works: content, .json, own time, which may be a second early"}
	client(t, row{example: 4, client: "Fluentd", version: "–", setting: exampleSettings}, func(t *testing.T, r *row) error {
		fluentd := named(t, found.variable)
		if fluentd == "" {
			return found
		}
		wantJob(t, func(s *service, topic string) {
			lines := s.write("lines.json", strings.Join(lines(), "\n")+"\n")
			source := fmt.Sprintf("<source>\n  @type tail\n  path %s\n  pos_file %s\n  tag test\n  read_from_head true\n  <parse>\n    @type json\n  </parse>\n</source>\n",
				lines, filepath.Join(s.dir, "pos"))
			file := s.write("fluent.conf", source+s.fill(documented(s.t, "Fluentd", 0), topic))
			start(s.t, s.env(), fluentd, "--no-supervisor", "-c", file) // ends with the test
		})
		r.version = versionOf(t, fluentd)
		r.result = found.result
		return nil
	})
}

func TestVectorItself(t *testing.T) {
	found := byHand{"VECTOR", "Vector 0.57.0, librdkafka 2.12.1, 26 Nov 2026", "works: content, .json, own time; a wrong secret passes the health check and loses all"}
	client(t, row{example: 7, client: "Vector", version: "–", setting: exampleSettings}, func(t *testing.T, r *row) error {
		vector := named(t, found.variable)
		if vector == "" {
			return found
		}
		wantJob(t, func(s *service, topic string) {
			source := fmt.Sprintf("data_dir = %q\n[sources.test_logs]\n  type = \"stdin\"\n  decoding.codec = \"json\"\n", s.dir)
			file := s.write("vector.toml", source+s.fill(documented(s.t, "Vector", 0), topic))
			p := start(s.t, s.env(), vector, "--config", file)
			p.feed(lines()...)
			select {
			case <-p.done:
			case <-time.After(3 * limit):
				s.t.Fatal("still runs")
			}
		})
		r.version = versionOf(t, vector)
		r.result = found.result
		return nil
	})
}
