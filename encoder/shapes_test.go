package encoder

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// shape is a kind of record on which the benchmarks and the allocation test run.
type shape struct {
	name  string
	chunk []byte
	count int // events in it
}

// shapes returns a chunk of about size bytes for each kind of record. The values
// differ from event to event, by counting, so that every run has the same bytes.
func shapes(tb testing.TB, size int) []shape {
	tb.Helper()
	build := func(name string, record func(b []byte, i int) []byte) shape {
		s := shape{name: name}
		for len(s.chunk) < size {
			s.chunk = appendEventHeader(s.chunk, 1_700_000_000+uint32(s.count/100), uint32(s.count)*7919%1e9)
			s.chunk = record(s.chunk, s.count)
			s.count++
		}
		return s
	}
	return []shape{
		build("access_log", accessLog),
		build("line", lineLog),
		build("kubernetes", kubernetesLog),
		build("message", messageLog),
		build("numbers", numbersLog),
	}
}

// appendEventHeader appends the header of an event as Fluent Bit 5.1.1 writes it
// (src/flb_log_event_encoder.c): array, header array, EventTime, empty map.
func appendEventHeader(b []byte, sec, nsec uint32) []byte {
	b = append(b, 0x92, 0x92, 0xd7, 0x00)
	b = binary.BigEndian.AppendUint32(b, sec)
	b = binary.BigEndian.AppendUint32(b, nsec)
	return append(b, 0xdf, 0, 0, 0, 0)
}

func appendStrings(b []byte, pairs ...string) []byte {
	for _, s := range pairs {
		b = msgp.AppendString(b, s)
	}
	return b
}

// accessLog appends what Fluent Bit's apache2 parser makes of a line of an access
// log.
func accessLog(b []byte, i int) []byte {
	b = msgp.AppendMapHeader(b, 8)
	return appendStrings(b,
		"host", fmt.Sprintf("192.168.%d.%d", i%256, i*7%256),
		"user", "-",
		"method", []string{"GET", "POST", "PUT"}[i%3],
		"path", fmt.Sprintf("/api/v1/projects/%d/items?page=%d&sort=created_at", i%1000, i%50),
		"code", []string{"200", "404", "503"}[i%3],
		"size", fmt.Sprint(i*13%100000),
		"referer", "https://www.example.com/dashboard",
		"agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
}

// lineLog appends what Fluent Bit's tail input makes of a line without a parser.
func lineLog(b []byte, i int) []byte {
	b = appendStrings(append(b, 0xdf, 0, 0, 0, 1), "log")
	return msgp.AppendString(b, fmt.Sprintf(`10.%d.%d.7 - - [09/Oct/2025:08:53:00 +0000] "GET /api/v1/orders/%d HTTP/1.1" 200 %d `+
		`"https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" 0.%03d`, i%256, i*7%256, i*7919, i*13%100000, i%1000))
}

func kubernetesLog(b []byte, i int) []byte {
	b = msgp.AppendMapHeader(b, 4)
	b = appendStrings(b, "stream", "stdout",
		"log", fmt.Sprintf("2026-01-02T03:04:05.678901Z INFO request served id=%08d status=200 duration=12.5ms", i),
		"_p", "F", "kubernetes")
	b = msgp.AppendMapHeader(b, 9)
	b = appendStrings(b,
		"pod_name", fmt.Sprintf("checkout-6f7c9d5b8-%05d", i%64),
		"namespace_name", "production",
		"pod_id", "0a1b2c3d-4e5f-6789-abcd-ef0123456789",
		"host", "node-17.ap-southeast-5.example.internal",
		"container_name", "checkout",
		"docker_id", "f3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"container_image", "registry.example.com/shop/checkout:1.42.0", "labels")
	b = msgp.AppendMapHeader(b, 6)
	b = appendStrings(b,
		"app", "checkout",
		"app.kubernetes.io/name", "checkout",
		"app.kubernetes.io/instance", "checkout-production",
		"app.kubernetes.io/version", "1.42.0",
		"pod-template-hash", "6f7c9d5b8",
		"team", "payments", "annotations")
	b = msgp.AppendMapHeader(b, 3)
	return appendStrings(b,
		"prometheus.io/scrape", "true",
		"prometheus.io/port", "9090",
		"kubectl.kubernetes.io/restartedAt", "2026-01-01T00:00:00Z")
}

func messageLog(b []byte, i int) []byte {
	b = msgp.AppendMapHeader(b, 3)
	b = appendStrings(b, "level", "error", "logger", "com.example.order.OrderService", "message")
	text := fmt.Sprintf("订单 %d 处理失败：库存不足，请稍后重试。\n\tat com.example.order.OrderService.reserve(OrderService.java:%d)\n", i, i%500) +
		strings.Repeat("\tat com.example.framework.Dispatcher.invoke(Dispatcher.java:118) \"worker\"\n", 6) +
		"原因：数据库连接超时，连接池已满（最大 50），等待 3000 毫秒后放弃。path=C:\\data\\orders\r\n"
	return msgp.AppendString(b, text)
}

func numbersLog(b []byte, i int) []byte {
	b = msgp.AppendMapHeader(b, 14)
	b = msgp.AppendInt(appendStrings(b, "cpu"), i%100)
	b = msgp.AppendFloat64(appendStrings(b, "load1"), float64(i%800)/100)
	b = msgp.AppendFloat64(appendStrings(b, "load5"), float64(i%700)/100)
	b = msgp.AppendInt(appendStrings(b, "procs"), 200+i%50)
	b = msgp.AppendInt(appendStrings(b, "mem_used"), 4_000_000_000+i*4096)
	b = msgp.AppendInt(appendStrings(b, "mem_free"), 12_000_000_000-i*4096)
	b = msgp.AppendInt(appendStrings(b, "rx"), i*1500)
	b = msgp.AppendInt(appendStrings(b, "tx"), i*900)
	b = msgp.AppendInt(appendStrings(b, "errors"), 0)
	b = msgp.AppendFloat64(appendStrings(b, "temp"), 42.5)
	b = msgp.AppendInt(appendStrings(b, "delta"), -i%1000)
	b = msgp.AppendBool(appendStrings(b, "up"), true)
	b = msgp.AppendFloat64(appendStrings(b, "ratio"), float64(i%997)/997)
	return msgp.AppendInt(appendStrings(b, "uptime"), 86400+i)
}
