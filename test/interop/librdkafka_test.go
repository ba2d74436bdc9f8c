//go:build interop

package interop

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// exampleSettings is the setting of a client that is given what Alibaba's page has for it.
const exampleSettings = "as on the page"

// withCA is the setting where librdkafka carries its own OpenSSL, which looks for the system's certificate authorities in
// fixed places and knows no SSL_CERT_FILE.
const withCA = "as on the page, and ssl.ca.location"

// libraries is the environment in which programs of debianClients find theirs.
func libraries(debian string) string {
	folders, _ := filepath.Glob(filepath.Join(debian, "usr/lib/*-linux-gnu")) // the pattern is well-formed
	return "LD_LIBRARY_PATH=" + strings.Join(folders, ":")
}

func debianLibrdkafka(t *testing.T, debian string) string {
	t.Helper()
	return wordAfter(kcatVersion(t, debian), "librdkafka ")
}

func kcatVersion(t *testing.T, debian string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(debian, "usr/bin/kcat"), "-V")
	cmd.Env = append(cmd.Environ(), libraries(debian))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kcat -V: %v\n%s", err, out)
	}
	return string(out)
}

func TestKcat(t *testing.T) {
	client(t, row{example: 8, client: "kcat", setting: exampleSettings + " for Python and Go"}, func(t *testing.T, r *row) error {
		debian, err := debianClients()
		if err != nil {
			return err
		}
		produce(t, r, false, func(s *service, topic string, _ time.Time) *process {
			file := s.write("kcat.conf", s.fill(documented(s.t, "Kafka producers", 1), topic))
			return start(s.t, append(s.env(), libraries(debian)), filepath.Join(debian, "usr/bin/kcat"), "-F", file, "-P", "-t", topic, "-E")
		})
		version := kcatVersion(t, debian)
		r.version = wordAfter(version, "Version ") + ", librdkafka " + wordAfter(version, "librdkafka ")
		return nil
	})
}

func TestPython(t *testing.T) {
	client(t, row{example: 8, client: "Python confluent-kafka", setting: withCA}, func(t *testing.T, r *row) error {
		interpreter, err := python()
		if err != nil {
			return err
		}
		produce(t, r, true, func(s *service, topic string, at time.Time) *process {
			file := s.write("properties", s.fill(documented(s.t, "Kafka producers", 1), topic)+"ssl.ca.location="+s.ca+"\n")
			return start(s.t, nil, interpreter, append([]string{"python/produce.py"}, arguments(file, topic, at)...)...)
		})
		version, err := command("", interpreter, "-c", "import confluent_kafka as c; print(c.version() + ', librdkafka ' + c.libversion()[0])")
		if err != nil {
			t.Fatal(err)
		}
		r.version = strings.TrimSpace(version)
		return nil
	})
}

func TestGo(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			client(t, row{example: 8, client: "Go confluent-kafka-go " + version, setting: withCA}, func(t *testing.T, r *row) error {
				program, err := confluentGo(version)
				if err != nil {
					return err
				}
				produce(t, r, true, func(s *service, topic string, at time.Time) *process {
					file := s.write("properties", s.fill(documented(s.t, "Kafka producers", 1), topic)+"ssl.ca.location="+s.ca+"\n")
					return start(s.t, nil, program, arguments(file, topic, at)...)
				})
				path := "github.com/confluentinc/confluent-kafka-go"
				if version == "v2" {
					path += "/v2"
				}
				described, err := command("confluentgo", "go", "list", "-m", "-f", "{{.Version}}", path)
				if err != nil {
					t.Fatal(err)
				}
				r.version = strings.TrimSpace(described)
				return nil
			})
		})
	}
}

// vectorNames are what Vector makes of its sink's settings for librdkafka (Vector src/kafka.rs and
// src/sinks/kafka/config.rs).
var vectorNames = map[string]string{
	"bootstrap_servers": "bootstrap.servers",
	"compression":       "compression.codec",
	"sasl.mechanism":    "sasl.mechanism",
	"sasl.username":     "sasl.username",
	"sasl.password":     "sasl.password",
}

func TestVector(t *testing.T) {
	r := row{example: 7, client: "Vector: its library librdkafka, by Python confluent-kafka", setting: "as Vector sets it for the page's settings, and ssl.ca.location"}
	client(t, r, func(t *testing.T, r *row) error {
		interpreter, err := python()
		if err != nil {
			return err
		}
		produce(t, r, true, func(s *service, topic string, at time.Time) *process {
			settings := map[string]string{}
			for line := range strings.Lines(s.fill(documented(s.t, "Vector", 0), topic)) {
				if key, value, ok := strings.Cut(line, " = "); ok {
					settings[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"`)
				}
			}
			if settings["sasl.enabled"] != "true" || settings["tls.enabled"] != "true" || settings["encoding.codec"] != "json" {
				s.t.Fatalf("settings %v", settings)
			}
			text := "security.protocol=sasl_ssl\nsocket.timeout.ms=60000\nstatistics.interval.ms=1000\nmessage.timeout.ms=300000\nssl.ca.location=" + s.ca + "\n"
			for from, to := range vectorNames {
				if settings[from] == "" {
					s.t.Fatalf("no %s in %v", from, settings)
				}
				text += to + "=" + settings[from] + "\n"
			}
			var env []string
			if settings["healthcheck"] == "true" {
				env = append(env, "HEALTHCHECK=on")
			}
			file := s.write("properties", text)
			return start(s.t, env, interpreter, append([]string{"python/produce.py"}, arguments(file, topic, at)...)...)
		})
		version, err := command("", interpreter, "-c", "import confluent_kafka as c; print(c.libversion()[0])")
		if err != nil {
			t.Fatal(err)
		}
		r.version = "librdkafka " + strings.TrimSpace(version)
		return nil
	})
}

func TestFluentBitKafka(t *testing.T) {
	client(t, row{example: 6, client: "Fluent Bit, built-in kafka output", setting: exampleSettings}, func(t *testing.T, r *row) error {
		if fluentBit() == "" {
			return errors.New("no fluent-bit on PATH and FLUENT_BIT not set")
		}
		for _, topic := range []string{logstore, logstore + ".json"} {
			t.Run(topic, func(t *testing.T) {
				s := startService(t)
				file := s.write("fluent-bit.conf", `[SERVICE]
    Flush 0.2
[INPUT]
    Name    dummy
    Dummy   {"msg":"Hello World","n":1}
    Samples 3
    Start_Time_Sec 1000000000
    Start_Time_Nsec 0
`+s.fill(documented(t, "Fluent Bit's built-in kafka output", 0), topic))
				p := start(t, s.env(), fluentBit(), "-c", file)
				for _, log := range s.await(3, limit) {
					if topic == logstore {
						if record, ok := wantContent(t, log).(map[string]any); !ok || record["msg"] != "Hello World" {
							t.Errorf("record %s", log.Value)
						}
					} else {
						wantFields(t, log, map[string]string{"msg": "Hello World", "n": "1", "@timestamp": "*"})
						if at := fieldsOf(t, log)["@timestamp"]; !strings.HasPrefix(at, "100000000") {
							t.Errorf("@timestamp %s, want one of 2001", at)
						}
					}
					s.wantTime(log, time.Time{}) // not 2001: the output does not pass the event's time on
				}
				p.stop()
				wantCount(s, 3)
			})
		}
		version, err := command("", fluentBit(), "--version")
		if err != nil {
			t.Fatal(err)
		}
		r.version = strings.TrimPrefix(wordAfter(version, "Fluent Bit "), "v")
		r.result = "works: content, .json; time of sending, not the event's"
		return nil
	})
}
