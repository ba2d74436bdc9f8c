package simkafka

import (
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func fault(t *testing.T, text string) *Fault {
	t.Helper()
	f, err := ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFault: each kind as a client sees it.
func TestFault(t *testing.T) {
	t.Parallel()
	const well = "0, 1"
	for _, c := range []struct {
		fault            string
		seen, wrote      string
		landed, answered int
	}{
		{"refuse err=THROTTLING_QUOTA_EXCEEDED", well, "THROTTLING_QUOTA_EXCEEDED", 0, 0},
		{"refuse err=CORRUPT_MESSAGE topic=demo partition=0 node=0", well, "CORRUPT_MESSAGE", 0, 0},
		{"refuse err=CORRUPT_MESSAGE topic=other", well, "ok", 1, 1},
		{"refuse err=CORRUPT_MESSAGE partition=1", well, "ok", 1, 1},
		{"refuse err=CORRUPT_MESSAGE node=1", well, "ok", 1, 1},
		{"refuse err=CORRUPT_MESSAGE from=1h", well, "ok", 1, 1},
		{"refuse err=CORRUPT_MESSAGE until=1ns", well, "ok", 1, 1},
		{"landed err=REQUEST_TIMED_OUT", well, "REQUEST_TIMED_OUT", 1, 0},
		{"ask err=TOPIC_AUTHORIZATION_FAILED topic=demo", "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED", 0, 0},
		{"ask err=KAFKA_STORAGE_ERROR partition=0", "0 KAFKA_STORAGE_ERROR, 1", "KAFKA_STORAGE_ERROR", 0, 0},
		{"ask err=KAFKA_STORAGE_ERROR partition=1", "0, 1 KAFKA_STORAGE_ERROR", "ok", 1, 1},
		{"no-topic topic=demo", "nothing", "ok", 1, 1},
		{"no-leader topic=demo", "-1 LEADER_NOT_AVAILABLE, -1 LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", 0, 0},
		{"no-leader partition=1", "0, -1 LEADER_NOT_AVAILABLE", "ok", 1, 1},
		{"flap partition=0", "1, 1", "NOT_LEADER_FOR_PARTITION", 0, 0},
		{"silence", "no answer", "no answer", 0, 0},
		{"silence topic=demo", well, "no answer", 0, 0},
		{"cut", "reset", "reset", 0, 0},
		{"cut partition=0", well, "reset", 0, 0},
		{"cut-after", well, "reset", 1, 0},
		{"cut-large size=100", well, "reset", 0, 0},
		{"cut-large size=10000", well, "ok", 1, 1},
		{"cut-large size=10", "reset", "reset", 0, 0},
		{"delay delay=5s", well, "ok", 1, 1},
		{"delay delay=1m", "no answer", "no answer", 0, 0},
		{"delay delay=1m topic=demo", well, "no answer", 1, 0},
		{"dial-refused", "refused", "refused", 0, 0},
		{"dial-refused node=1", well, "ok", 1, 1},
		{"dial-hang", "no answer", "no answer", 0, 0},
		{"poison err=INVALID_RECORD", well, "ok", 1, 1},
		{"cut-poison", well, "ok", 1, 1},
		{"too-large size=10", well, "MESSAGE_TOO_LARGE", 0, 0},
		{"too-large size=1000", well, "ok", 1, 1},
		{"codec codec=0", well, "UNSUPPORTED_COMPRESSION_TYPE", 0, 0},
		{"codec codec=1", well, "ok", 1, 1},
		{"throttle delay=3s", well, "ok", 1, 1},
		{"expired", well, "ok", 1, 1},
		{"refuse err=CORRUPT_MESSAGE count=1", well, "CORRUPT_MESSAGE", 0, 0},
	} {
		t.Run(c.fault, bubble(Options{}, func(b *bench) {
			b.Fault(fault(b.t, c.fault))
			chunk := b.Give(Given{Records: 1})
			if got := b.seen("demo"); got != c.seen {
				b.t.Errorf("metadata says %q, want %q", got, c.seen)
			}
			if got := b.wrote(value(chunk, 0)); got != c.wrote {
				b.t.Errorf("a write gets %q, want %q", got, c.wrote)
			}
			time.Sleep(3 * time.Minute) // for what is late
			if landed, answered := b.account(chunk); landed != c.landed || answered != c.answered {
				b.t.Errorf("landed %d, answered %d times; want %d and %d", landed, answered, c.landed, c.answered)
			}
		}))
	}
}

// A fault counts a request once, however many partitions of it are concerned.
func TestFaultCount(t *testing.T) {
	t.Parallel()
	t.Run("count", bubble(Options{}, func(b *bench) {
		b.SetLeader("demo", 1, 0)
		given := fault(b.t, "refuse err=KAFKA_STORAGE_ERROR count=2")
		b.Fault(given)
		chunk := b.Give(Given{Records: 1})
		for _, want := range []string{"KAFKA_STORAGE_ERROR", "KAFKA_STORAGE_ERROR", "ok"} {
			r := request("demo", 0, batch(time.Now(), value(chunk, 0)))
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, request("demo", 1, batch(time.Now(), value(chunk, 0))).Topics[0].Partitions[0])
			answer, err := r.RequestWith(b.t.Context(), b.client.Broker(0))
			if err != nil {
				b.t.Fatal(err)
			}
			for _, p := range answer.Topics[0].Partitions {
				if got := outcome(p.ErrorCode, nil); got != want {
					b.t.Errorf("partition %d gets %s, want %s", p.Partition, got, want)
				}
			}
		}
		if given.met != 0 {
			b.t.Error("a fault was changed that may be given to another cluster")
		}
	}))
}

func TestFaultFlapTurns(t *testing.T) {
	t.Parallel()
	t.Run("flap", bubble(Options{}, func(b *bench) {
		b.Fault(fault(b.t, "flap topic=demo"))
		for _, want := range []string{"1, 0", "0, 1", "1, 0"} {
			if got := b.seen("demo"); got != want {
				b.t.Errorf("leaders %s, want %s", got, want)
			}
		}
	}))
}

// A connection that was silent once stays so, since answers come in order; the next
// one is served.
func TestFaultSilenceStays(t *testing.T) {
	t.Parallel()
	t.Run("silence", bubble(Options{}, func(b *bench) {
		b.Fault(fault(b.t, "silence count=1"))
		ask := func(conn net.Conn) (answered bool) {
			_, _ = conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, &kmsg.ApiVersionsRequest{}, 1))
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			n, _ := conn.Read(make([]byte, 1000))
			return n > 0
		}
		for _, want := range []bool{false, true} {
			conn, err := b.dial(b.t.Context(), "tcp", b.Addr())
			if err != nil {
				b.t.Fatal(err)
			}
			for range 2 {
				if got := ask(conn); got != want {
					b.t.Errorf("answered %v, want %v", got, want)
				}
			}
			_ = conn.Close()
		}
	}))
}

func TestFaultDelayAndThrottle(t *testing.T) {
	t.Parallel()
	t.Run("throttle", bubble(Options{Latency: 20 * time.Millisecond}, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		write := func() (took time.Duration, throttled int32) {
			begin := time.Now()
			answer, err := request("demo", 0, batch(time.Now(), value(chunk, 0))).RequestWith(b.t.Context(), b.client.Broker(0))
			if err != nil {
				b.t.Fatal(err)
			}
			return time.Since(begin), answer.ThrottleMillis
		}
		_, _ = write() // connects
		if took, throttled := write(); took != 21*time.Millisecond || throttled != 0 {
			b.t.Errorf("a write takes %v, throttled %d ms", took, throttled)
		}
		b.Fault(fault(b.t, "delay delay=2s"))
		b.Fault(fault(b.t, "throttle delay=3s"))
		if took, throttled := write(); took != 2021*time.Millisecond || throttled != 3000 {
			b.t.Errorf("a write takes %v, throttled %d ms", took, throttled)
		}
	}))
}

func TestFaultPoison(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprintf("records named %v", named), bubble(Options{RecordErrors: named}, func(b *bench) {
			chunk := b.Give(Given{Records: 3, Poison: func(i int) bool { return i == 1 }})
			if got := b.wrote(value(chunk, 1)); got != "ok" {
				b.t.Errorf("without the fault: %s", got)
			}
			b.Fault(fault(b.t, "poison err=INVALID_RECORD"))
			if got := b.wrote(value(chunk, 0), value(chunk, 2)); got != "ok" {
				b.t.Errorf("healthy records: %s", got)
			}
			p, err := b.write(0, "demo", 0, batch(time.Now(), value(chunk, 2), value(chunk, 1), value(chunk, 0)))
			if got := outcome(p.ErrorCode, err); got != "INVALID_RECORD" {
				b.t.Errorf("with the poisoned record: %s", got)
			}
			if named != (len(p.ErrorRecords) == 1 && p.ErrorRecords[0].RelativeOffset == 1) {
				b.t.Errorf("named: %+v", p.ErrorRecords)
			}
		}))
	}
}

// An answer that comes when the client has gone is none.
func TestFaultAnswerTooLate(t *testing.T) {
	t.Parallel()
	t.Run("late", bubble(Options{}, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		b.Fault(fault(b.t, "delay delay=1m topic=demo count=1"))
		for _, want := range []string{"no answer", "ok"} {
			if got := b.wrote(value(chunk, 0)); got != want {
				b.t.Errorf("a write gets %q, want %q", got, want)
			}
		}
		time.Sleep(2 * time.Minute)
		if landed, answered := b.account(chunk); landed != 2 || answered != 1 {
			b.t.Errorf("landed %d, answered %d times", landed, answered)
		}
	}))
}

func TestFaultConcerns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault string
		at    time.Duration
		place place
		want  bool
	}{
		{"cut from=1s until=2s", time.Second - 1, place{}, false},
		{"cut from=1s until=2s", time.Second, place{}, true},
		{"cut from=1s until=2s", 2*time.Second - 1, place{}, true},
		{"cut from=1s until=2s", 2 * time.Second, place{}, false},
		{"cut", 1000 * time.Hour, place{}, true},
		{"too-large size=10", 0, place{size: 10}, false},
		{"too-large size=10", 0, place{size: 11}, true},
		{"cut size=10 codec=1", 0, place{size: 10}, true},
		{"cut partition=0", 0, place{topic: "demo", partition: -1}, false},
		{"cut topic=demo", 0, place{topic: "demo", partition: 7}, true},
	} {
		if got := fault(t, c.fault).concerns(c.at, c.place); got != c.want {
			t.Errorf("%s at %v in %+v: %v", c.fault, c.at, c.place, got)
		}
	}
}

func TestFaultText(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		want := &Fault{
			Kind: kind, From: 10 * time.Second, Until: time.Hour + time.Millisecond, Node: 2, Topic: "demo.json", Partition: 0,
			Err: kerr.ThrottlingQuotaExceeded, Delay: time.Second, Count: 3, Size: 4096, Codec: 4,
		}
		if got := fault(t, want.String()); !reflect.DeepEqual(got, want) {
			t.Errorf("%v became %v", want, got)
		}
		want = &Fault{Kind: kind, Node: -1, Partition: -1, Err: kerr.UnknownServerError}
		if got := fault(t, want.String()); !reflect.DeepEqual(got, want) {
			t.Errorf("%v became %v", want, got)
		}
	}
	for code := int16(1); kerr.TypedErrorForCode(code) != kerr.UnknownServerError; code++ {
		want := kerr.TypedErrorForCode(code)
		if got := fault(t, "refuse err="+want.Message); got.Err != want {
			t.Errorf("%v became %v", want, got.Err)
		}
	}
	for text, want := range map[string]string{
		"":                         "not a kind",
		"explode":                  "not a kind",
		"refuse":                   "needs an error",
		"refuse err=OUT_OF_COFFEE": "not an error of Kafka",
		"cut count":                "invalid syntax",
		"cut from=yesterday":       "invalid duration",
		"cut where=here":           "not a property",
		"cut partition=5000000000": "out of range",
	} {
		if _, err := ParseFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
