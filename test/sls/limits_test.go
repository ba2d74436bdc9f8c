package sls

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestUsage(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	type write struct {
		ms, bytes int
		want      bool
	}
	for name, test := range map[string]struct {
		quota  Quota
		writes []write
	}{
		"none":               {Quota{}, []write{{0, 1 << 30, true}, {0, 1 << 30, true}}},
		"writes":             {Quota{Writes: 2}, []write{{0, 1, true}, {10, 1, true}, {999, 1, false}, {1000, 1, true}, {1001, 1, true}, {1002, 1, false}}},
		"bytes":              {Quota{Bytes: 100}, []write{{0, 60, true}, {1, 41, false}, {2, 40, true}, {3, 1, false}, {1000, 100, true}}},
		"larger than all":    {Quota{Bytes: 100}, []write{{0, 500, true}, {1, 1, false}, {1000, 500, true}}},
		"either":             {Quota{Bytes: 100, Writes: 1}, []write{{0, 1, true}, {1, 1, false}}},
		"a clock set back":   {Quota{Writes: 1}, []write{{5000, 1, true}, {0, 1, true}, {1, 1, false}}},
		"idle for some time": {Quota{Writes: 1}, []write{{0, 1, true}, {60_000, 1, true}, {60_500, 1, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			var u usage
			for i, w := range test.writes {
				if got := u.admit(test.quota, w.bytes, at(w.ms)); got != w.want {
					t.Errorf("write %d: %t, want %t", i, got, w.want)
				}
			}
		})
	}
}

func TestQuota(t *testing.T) {
	e := start(t, Options{Quota: Quota{Writes: 1}})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()))
	refused := 0
	for ctx := timeout(t); refused == 0 && ctx.Err() == nil; { // two writes within one second, sooner or later
		before := e.Count("demo")
		errs, err := produceOnce(t, client, "demo")
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case errs[0] == nil:
			wantCount(t, e, "demo", before+1)
		case errors.Is(errs[0], kerr.ThrottlingQuotaExceeded):
			refused++
			wantCount(t, e, "demo", before)
		default:
			t.Fatal(errs[0])
		}
	}
	if refused == 0 {
		t.Fatal("no write was refused")
	}
	// The other shard has a quota of its own, and a refused client comes through in the end.
	count := e.Count("demo")
	send(t, client, &kgo.Record{Topic: "demo", Partition: 1, Value: []byte("x")})
	send(t, client, record("demo", "x"))
	wantCount(t, e, "demo", count+2)
}

func TestCheckTime(t *testing.T) {
	e := start(t, Options{CheckTime: true})
	client := dial(t, e, rightUser, rightPassword)
	now := time.Now()
	for _, test := range []struct {
		at   time.Duration
		want error
	}{
		{0, nil},
		{-168*time.Hour + time.Minute, nil},
		{15*time.Minute - time.Minute, nil},
		{-168*time.Hour - time.Minute, kerr.InvalidTimestamp},
		{15*time.Minute + time.Minute, kerr.InvalidTimestamp},
	} {
		before := e.Count("demo")
		r := record("demo", "x")
		r.Timestamp = now.Add(test.at)
		wantError(t, fmt.Sprint(test.at), client.ProduceSync(timeout(t), r).FirstErr(), test.want)
		if landed := e.Count("demo") > before; landed != (test.want == nil) {
			t.Errorf("%v: landed %t", test.at, landed)
		}
	}
	// One record out of range has the whole batch refused, as with PutLogs.
	slow := dial(t, e, rightUser, rightPassword, kgo.ProducerLinger(50*time.Millisecond))
	good, bad := record("demo.json", "{}"), record("demo.json", "{}")
	bad.Timestamp = now.AddDate(-1, 0, 0)
	for _, result := range slow.ProduceSync(timeout(t), good, bad) {
		wantError(t, "batch", result.Err, kerr.InvalidTimestamp)
	}
	wantCount(t, e, "demo", 3)
}

func TestTimesPassByDefault(t *testing.T) {
	e := start(t, Options{})
	r := record("demo", "x")
	r.Timestamp = time.Now().AddDate(-10, 0, 0)
	send(t, dial(t, e, rightUser, rightPassword), r)
}

func TestMaxMessageBytes(t *testing.T) {
	for name, test := range map[string]struct {
		options        Options
		lands, refused int // bytes of a record
	}{
		"default": {Options{}, 2 << 20, 11 << 20}, // the specification's Fluentd example sends up to 2 MiB
		"option":  {Options{MaxMessageBytes: 5000}, 4000, 6000},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, test.options)
			client := dial(t, e, rightUser, rightPassword, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(20<<20))
			send(t, client, record("demo", strings.Repeat("x", test.lands)))
			err := client.ProduceSync(timeout(t), record("demo", strings.Repeat("x", test.refused))).FirstErr()
			wantError(t, "produce", err, kerr.MessageTooLarge)
			wantCount(t, e, "demo", 1)
		})
	}
}

func TestKeep(t *testing.T) {
	const keep = 10
	e := start(t, Options{Keep: keep})
	client := dial(t, e, rightUser, rightPassword, kgo.ProducerLinger(20*time.Millisecond))
	sent := 0
	for _, n := range []int{1, 7, 1, 4, 25, 1, 1} {
		var records []*kgo.Record
		for range n {
			records = append(records, record("demo", fmt.Sprint(sent)))
			sent++
		}
		send(t, client, records...)
		wantCount(t, e, "demo", sent)
		logs := e.Logs("demo")
		if want := min(sent, keep); len(logs) != want {
			t.Fatalf("%d logs after %d, want %d", len(logs), sent, want)
		}
		for i, l := range logs {
			if want := sent - len(logs) + i; l.Offset != int64(want) || string(l.Value) != fmt.Sprint(want) {
				t.Fatalf("log %d of %d: offset %d, %s", i, len(logs), l.Offset, l.Value)
			}
		}
	}
	s, _ := e.logstore("demo")
	if s.kept >= keep+25 {
		t.Errorf("%d logs are in memory", s.kept)
	}
}

func TestArrivals(t *testing.T) {
	var a arrivals
	a.add(1000, 3)
	a.add(1000, 2)
	a.add(1002, 1)
	a.add(1001, 4) // the clock was set back
	newest := func(second int64, n int) string {
		counts := a.list(second)
		if len(counts) != ArrivalSeconds {
			t.Fatalf("%d seconds, want %d", len(counts), ArrivalSeconds)
		}
		return fmt.Sprint(counts[len(counts)-n:])
	}
	for _, test := range []struct {
		second int64
		want   string
	}{{1002, "[0 5 0 5]"}, {1003, "[5 0 5 0]"}, {1005, "[5 0 0 0]"}, {1006, "[0 0 0 0]"}} {
		if got := newest(test.second, 4); got != test.want {
			t.Errorf("at %d: %s, want %s", test.second, got, test.want)
		}
	}
	counts := a.list(1000 + ArrivalSeconds - 1)
	if counts[0] != 5 || counts[2] != 5 {
		t.Errorf("oldest %v, want 5 0 5", counts[:3])
	}
	if got := fmt.Sprint(a.list(1000 + ArrivalSeconds)[:2]); got != "[0 5]" {
		t.Errorf("oldest a second later %s, want [0 5]", got)
	}
	for _, n := range a.list(5000) {
		if n != 0 {
			t.Fatal("an hour later something is left")
		}
	}
}

func TestArrivalsOfALogstore(t *testing.T) {
	e := start(t, Options{})
	send(t, dial(t, e, rightUser, rightPassword), record("demo", "1"), record("demo.json", "2"))
	sum := 0
	for _, n := range e.Arrivals("demo") {
		sum += n
	}
	if sum != 2 || e.Arrivals("absent") != nil {
		t.Errorf("%d arrivals, want 2, and none of an absent logstore", sum)
	}
}
