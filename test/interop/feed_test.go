package interop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// appendLine writes a line to the one directory that the configuration tails.
func appendLine(line string) func(*testing.T, string, string, time.Time) {
	return func(t *testing.T, dir, _ string, _ time.Time) {
		s := &service{t: t, dir: dir}
		kept, err := filepath.Glob(filepath.Join(dir, "var/log/*/.keep"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("want one directory of logs, have %v (%v)", kept, err)
		}
		folder, err := filepath.Rel(dir, filepath.Dir(kept[0]))
		if err != nil {
			t.Fatal(err)
		}
		s.write(filepath.Join(folder, "a.log"), line+"\n")
	}
}

func sendTo(t *testing.T, network, port string, packet []byte) {
	t.Helper()
	c, err := net.Dial(network, "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(packet); err != nil {
		t.Fatal(err)
	}
}

func sendTCP(t *testing.T, _, port string, _ time.Time) {
	sendTo(t, "tcp", port, []byte("{\"message\":\"hello\"}\n"))
}

func sendStatsd(t *testing.T, _, port string, _ time.Time) {
	sendTo(t, "udp", port, []byte("logins:1|c"))
}

// sendForward sends one event in the message mode of the forward protocol, its time as an EventTime.
func sendForward(t *testing.T, _, port string, at time.Time) {
	stamp := binary.BigEndian.AppendUint32(nil, uint32(at.Unix()))
	stamp = binary.BigEndian.AppendUint32(stamp, uint32(at.Nanosecond()))
	b := msgp.AppendArrayHeader(nil, 3)
	b = msgp.AppendString(b, "app")
	b = append(b, 0xd7, 0) // fixext 8 of type 0
	b = append(b, stamp...)
	b = msgp.AppendMapHeader(b, 1)
	b = msgp.AppendString(b, "message")
	b = msgp.AppendString(b, "hello")
	sendTo(t, "tcp", port, b)
}

// sendMetric sends one value in collectd's binary protocol.
func sendMetric(t *testing.T, _, port string, at time.Time) {
	var b []byte
	text := func(kind uint16, value string) {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(4+len(value)+1))
		b = append(append(b, value...), 0)
	}
	number := func(kind uint16, value uint64) {
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, 12)
		b = binary.BigEndian.AppendUint64(b, value)
	}
	const perSecond = 1 << 30 // of the high-resolution time parts
	text(0, "host")
	number(8, uint64(at.Unix())*perSecond+uint64(at.Nanosecond())*perSecond/1e9)
	number(9, 10*perSecond)
	text(2, "interop")
	text(4, "gauge")
	text(5, "temperature")
	b = binary.BigEndian.AppendUint16(b, 6)
	b = binary.BigEndian.AppendUint16(b, 15)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = append(b, 1) // a gauge, little-endian
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(21.5))
	sendTo(t, "udp", port, b)
}

func post(path string, body func(at time.Time) string) func(*testing.T, string, string, time.Time) {
	return func(t *testing.T, _, port string, at time.Time) {
		t.Helper()
		answer, err := http.Post("http://127.0.0.1:"+port+path, "application/json", bytes.NewBufferString(body(at)))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Fatalf("POST %s: %s", path, answer.Status)
		}
	}
}

func otlpLogs(at time.Time) string {
	return fmt.Sprintf(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"app"}}]},
"scopeLogs":[{"logRecords":[{"timeUnixNano":"%d","severityText":"INFO","body":{"stringValue":"hello"}}]}]}]}`, at.UnixNano())
}
