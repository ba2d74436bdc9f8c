package encoder

import (
	"fmt"
	"github.com/tinylib/msgp/msgp"
	"os"
	"strings"
	"testing"
	"time"
)

func TestM2(t *testing.T) {
	if os.Getenv("MIN") == "" {
		t.Skip("dev")
	}
	e, _ := New(Options{})
	cn1 := "订单 12345 处理失败：库存不足，请稍后重试。"
	cn2 := "原因：数据库连接超时，连接池已满（最大 50），等待 3000 毫秒后放弃。path=C:\\data\\orders\r\n"
	line := "\tat com.example.framework.Dispatcher.invoke(Dispatcher.java:118) \"worker\"\n"
	for name, text := range map[string]string{"0empty": "", "1cn1": cn1, "2cn2": cn2, "3line": line, "4lines6": strings.Repeat(line, 6), "5all": cn1 + "\n\tat com.example.order.OrderService.reserve(OrderService.java:123)\n" + strings.Repeat(line, 6) + cn2, "6ascii": strings.Repeat("abcdefgh", 90)} {
		var chunk []byte
		for i := range 1000 {
			chunk = appendEventHeader(chunk, uint32(i), 0)
			chunk = msgp.AppendMapHeader(chunk, 3)
			chunk = appendStrings(chunk, "level", "error", "logger", "com.example.order.OrderService", "message", text)
		}
		var b Batch
		best := time.Hour
		for range 400 {
			b.Reset()
			st := time.Now()
			e.Append(&b, chunk, "t")
			if d := time.Since(st); d < best {
				best = d
			}
		}
		fmt.Printf("%s %d bytes %.0f ns\n", name, len(text), float64(best.Nanoseconds())/1000)
	}
}
