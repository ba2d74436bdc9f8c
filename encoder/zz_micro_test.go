package encoder

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMicro(t *testing.T) {
	if os.Getenv("MIN") == "" {
		t.Skip("dev")
	}
	for name, s := range map[string]string{
		"ascii":   strings.Repeat("\tat com.example"[1:], 50),
		"lines":   strings.Repeat("\tat com.example.framework.Dispatcher.invoke(Dispatcher.java:118) \"worker\"\n", 10),
		"chinese": strings.Repeat("原因：数据库连接超时，连接池已满", 15),
		"mixed":   strings.Repeat("原因：数据库 连接超时 50 时，连接池已满", 15),
	} {
		src := []byte(s + "12345678")
		dst := make([]byte, 0, 10000)
		best := time.Hour
		for range 3000 {
			st := time.Now()
			for range 20 {
				dst = appendString(dst[:0], src, 0, len(s))
			}
			if d := time.Since(st); d < best {
				best = d
			}
		}
		fmt.Printf("%s %d bytes %.0f ns  %.0f MB/s\n", name, len(s), float64(best.Nanoseconds())/20, float64(len(s)*20)/best.Seconds()/1e6)
	}
}
