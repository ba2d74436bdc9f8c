//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Telegraf and Beats are built from their Go modules; both embed sarama.
const (
	telegrafVersion = "v1.37.2"
	beatsVersion    = "v7.17.29"
)

func TestTelegraf(t *testing.T) {
	client(t, row{example: 3, client: "Telegraf", setting: "as the page's text has it (tls_ca), and as its sample has it (tls_cert alone)"}, func(t *testing.T, r *row) error {
		program, err := goProgram("github.com/influxdata/telegraf", telegrafVersion, "./cmd/telegraf",
			"-tags", "custom,inputs.tail,outputs.kafka,parsers.influx,serializers.json")
		if err != nil {
			return err
		}
		for _, sample := range []bool{false, true} {
			for _, topic := range []string{logstore, logstore + ".json"} {
				t.Run(fmt.Sprintf("sample=%v/%s", sample, topic), func(t *testing.T) {
					s := startService(t)
					config := s.fill(documented(t, "Telegraf", 0), topic)
					const authority = `tls_ca = "/etc/ssl/certs/ca-bundle.crt"`
					if sample {
						config = replace(t, config, authority, `tls_cert = "/etc/ssl/certs/ca-certificates.crt"`)
					} else {
						config = replace(t, config, authority, fmt.Sprintf("tls_ca = %q", s.ca))
					}
					telegraf(s, program, config, topic)
				})
			}
		}
		version, err := command("", program, "--version")
		if err != nil {
			t.Fatal(err)
		}
		r.version = telegrafVersion[1:]
		if !strings.HasPrefix(version, "Telegraf") {
			t.Errorf("telegraf --version: %s", version)
		}
		r.result = "works: content, .json, the metric's own time"
		return nil
	})
}

// telegraf lets Telegraf send a metric that a file holds in Influx's line protocol.
func telegraf(s *service, program, config, topic string) {
	metrics := s.write("metrics.txt", fmt.Sprintf("weather,place=hangzhou temperature=21.5 %d\n", eventTime.UnixNano()))
	file := s.write("telegraf.conf", fmt.Sprintf(`[agent]
  interval = "1s"
  flush_interval = "1s"
  omit_hostname = true
[[inputs.tail]]
  files = [%q]
  initial_read_offset = "beginning"
  from_beginning = true
  path_tag = ""
  data_format = "influx"
`, metrics)+config)
	p := start(s.t, s.env(), program, "--config", file)
	log := s.await(1, limit)[0]
	if topic == logstore {
		if m, ok := wantContent(s.t, log).(map[string]any); !ok || m["name"] != "weather" {
			s.t.Errorf("content %s", log.Value)
		}
	} else {
		wantFields(s.t, log, map[string]string{
			"name": "weather", "fields": `{"temperature":21.5}`, "tags": `{"place":"hangzhou"}`, "timestamp": fmt.Sprint(eventTime.Unix()),
		})
	}
	if string(log.Key) != "content" {
		s.t.Errorf("key %q, want content", log.Key)
	}
	s.wantTime(log, eventTime)
	p.stop()
	wantCount(s, 1)
}

func TestBeats(t *testing.T) {
	client(t, row{example: 1, client: "Beats: Filebeat", setting: exampleSettings}, func(t *testing.T, r *row) error {
		program, err := goProgram("github.com/elastic/beats/v7", beatsVersion, "./filebeat")
		if err != nil {
			return err
		}
		for _, topic := range []string{logstore, logstore + ".json"} {
			t.Run(topic, func(t *testing.T) {
				s := startService(t)
				logs := s.write("app.log", "Hello World 1\nHello World 2\nHello World 3\n")
				file := s.write("filebeat.yml", fmt.Sprintf(`filebeat.inputs:
- type: log
  paths: [%q]
path.home: %q
path.data: %q
path.logs: %q
`, logs, s.dir, filepath.Join(s.dir, "data"), filepath.Join(s.dir, "logs"))+s.fill(documented(t, "Beats", 0), topic))
				p := start(t, s.env(), program, "-e", "-c", file)
				for i, log := range s.await(3, limit) {
					if topic == logstore {
						if event, ok := wantContent(t, log).(map[string]any); !ok || event["message"] == nil {
							t.Errorf("content %s", log.Value)
						}
					} else {
						wantFields(t, log, map[string]string{"message": "*", "@timestamp": "*", "log": "*"})
						at, err := time.Parse("2006-01-02T15:04:05.000Z", fieldsOf(t, log)["@timestamp"])
						if err != nil {
							t.Errorf("log %d: %v", i, err)
						}
						s.wantTime(log, at) // __time__ is the event's time
					}
					s.wantTime(log, time.Time{})
				}
				p.stop()
				wantCount(s, 3)
			})
		}
		r.version = beatsVersion[1:]
		r.result = "works: content, .json, the event's time"
		return nil
	})
}
