//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The version on Alibaba's page, the newest, and the one that Logstash's Kafka plugin embeds
// (logstash-integration-kafka, build.gradle).
const (
	javaOnPage   = "2.1.0"
	javaNewest   = "4.4.0"
	javaLogstash = "3.9.2"
)

func TestJava(t *testing.T) {
	for _, version := range []string{javaOnPage, javaNewest} {
		t.Run(version, func(t *testing.T) {
			client(t, row{example: 8, client: "Java kafka-clients", version: version, setting: exampleSettings}, func(t *testing.T, r *row) error {
				return produceJava(t, r, func(s *service) string { return s.fill(documented(s.t, "Kafka producers", 0), "") })
			})
		})
	}
}

// logstashDefaults are what Logstash's output sets in addition to the page's settings (logstash-integration-kafka,
// lib/logstash/outputs/kafka.rb).
const logstashDefaults = `acks=1
batch.size=16384
buffer.memory=33554432
client.dns.lookup=use_all_dns_ips
compression.type=none
key.serializer=org.apache.kafka.common.serialization.StringSerializer
value.serializer=org.apache.kafka.common.serialization.StringSerializer
linger.ms=0
max.request.size=1048576
receive.buffer.bytes=32768
reconnect.backoff.ms=50
retry.backoff.ms=100
send.buffer.bytes=131072
ssl.endpoint.identification.algorithm=https
`

// Logstash itself is in none of the package registries that hold the other clients.
func TestLogstash(t *testing.T) {
	r := row{example: 5, client: "Logstash: its library kafka-clients", version: javaLogstash, setting: "as Logstash sets it for the page's settings"}
	client(t, r, func(t *testing.T, r *row) error {
		return produceJava(t, r, func(s *service) string {
			text := logstashDefaults
			for line := range strings.Lines(s.fill(documented(s.t, "Logstash", 0), "")) {
				key, value, ok := strings.Cut(strings.TrimSpace(line), " => ")
				if !ok || key == "topic_id" || key == "codec" {
					continue
				}
				text += strings.ReplaceAll(key, "_", ".") + "=" + strings.Trim(value, `"`) + "\n"
			}
			return text
		})
	})
}

// trustStore is a truststore for Java with the authority of the services.
var trustStore = sync.OnceValues(func() (string, error) {
	ca, err := authority()
	if err != nil {
		return "", err
	}
	pem := filepath.Join(scratch, "ca.pem")
	if err := os.WriteFile(pem, ca.PEM(), 0o600); err != nil {
		return "", err
	}
	store := filepath.Join(scratch, "trust.p12")
	_, err = command("", "keytool", "-importcert", "-noprompt", "-file", pem, "-alias", "ca",
		"-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit")
	return store, err
})

// produceJava runs ProduceExample with the row's version. The truststore takes the place of the Java runtime's own.
func produceJava(t *testing.T, r *row, properties func(s *service) string) error {
	jars, err := kafkaClients(r.version)
	if err != nil {
		return err
	}
	store, err := trustStore()
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	classPath := classes + ":" + filepath.Join(jars, "*")
	if _, err := command("", "javac", "-cp", classPath, "-d", classes, "java/ProduceExample.java"); err != nil {
		t.Fatal(err)
	}
	produce(t, r, true, func(s *service, topic string, at time.Time) *process {
		file := s.write("properties", properties(s))
		return start(s.t, nil, "java", append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
			"-Djavax.net.ssl.trustStore=" + store, "-Djavax.net.ssl.trustStorePassword=changeit",
			"-cp", classPath, "ProduceExample"}, arguments(file, topic, at)...)...)
	})
	return nil
}
