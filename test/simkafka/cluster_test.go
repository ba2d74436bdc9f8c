package simkafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"out_sls_kafka/test/simnet"
)

func TestTopics(t *testing.T) {
	t.Parallel()
	t.Run("topics", bubble(Options{}, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		check := func(partition int32, seen, wrote string) {
			b.t.Helper()
			if got := b.seen("demo"); got != seen {
				b.t.Errorf("metadata says %q, want %q", got, seen)
			}
			p, err := b.write(0, "demo", partition, batch(time.Now(), value(chunk, 0)))
			if got := outcome(p.ErrorCode, err); got != wrote {
				b.t.Errorf("a write gets %q, want %q", got, wrote)
			}
		}
		check(0, "0, 1", "ok")
		check(1, "0, 1", "NOT_LEADER_FOR_PARTITION")
		check(2, "0, 1", "UNKNOWN_TOPIC_OR_PARTITION")
		b.SetPartitions("demo", 3)
		check(2, "0, 1, 0", "ok")
		b.SetLeader("demo", 0, 1)
		check(0, "1, 1, 0", "NOT_LEADER_FOR_PARTITION")
		b.SetPartitions("demo", 1)
		check(2, "1", "UNKNOWN_TOPIC_OR_PARTITION")
		b.SetLeader("demo", 0, 0)
		b.SetReadOnly("demo", 0, kerr.KafkaStorageError)
		check(0, "0", "KAFKA_STORAGE_ERROR")
		b.SetReadOnly("demo", 0, nil)
		check(0, "0", "ok")
		if n := b.Partitions("demo"); n != 1 {
			b.t.Errorf("%d partitions", n)
		}
		b.RemoveTopic("demo")
		check(0, "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_OR_PARTITION")
		b.SetPartitions("demo", 5)
		b.SetLeader("demo", 0, 1)
		b.SetReadOnly("demo", 0, kerr.KafkaStorageError)
		if n := b.Partitions("demo"); n != 0 {
			b.t.Errorf("%d partitions", n)
		}
		b.AddTopic("demo", 1)
		check(0, "0", "ok")
	}))
}

func TestMetadataOfAllTopics(t *testing.T) {
	t.Parallel()
	t.Run("all", bubble(Options{}, func(b *bench) {
		b.AddTopic("another", 1)
		r := kmsg.NewPtrMetadataRequest()
		answer, err := r.RequestWith(b.t.Context(), b.client)
		if err != nil || len(answer.Topics) != 2 || *answer.Topics[0].Topic != "another" || len(answer.Brokers) != 2 {
			b.t.Errorf("%+v, %v", answer, err)
		}
	}))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		o := Options{MaxBatch: 177, MaxAge: time.Hour, MaxAhead: time.Minute, RecordErrors: named}
		t.Run(fmt.Sprintf("records named %v", named), bubble(o, func(b *bench) {
			chunk := b.Give(Given{Records: 2})
			for _, c := range []struct {
				at   time.Duration
				n    int
				want string
			}{
				{0, 1, "ok"}, {0, 4, "ok"}, {0, 5, "MESSAGE_TOO_LARGE"},
				{-time.Hour + time.Second, 1, "ok"}, {-time.Hour - time.Second, 2, "INVALID_TIMESTAMP"},
				{time.Minute, 1, "ok"}, {time.Minute + time.Second, 2, "INVALID_TIMESTAMP"},
			} {
				p, err := b.write(0, "demo", 0, batch(time.Now().Add(c.at), slices.Repeat([]string{value(chunk, 1)}, c.n)...))
				if got := outcome(p.ErrorCode, err); got != c.want {
					b.t.Errorf("%d records of %v from now: %s, want %s", c.n, c.at, got, c.want)
				}
				if late := c.want == "INVALID_TIMESTAMP"; (late && named) != (len(p.ErrorRecords) == c.n) {
					b.t.Errorf("named: %+v", p.ErrorRecords)
				}
			}
		}))
	}
}

// Times are judged by the clock of the cluster, which may be behind.
func TestBehind(t *testing.T) {
	t.Parallel()
	o := Options{MaxAge: time.Hour, MaxAhead: time.Minute, Behind: 10 * time.Minute}
	t.Run("behind", bubble(o, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		for _, c := range []struct {
			at   time.Duration
			want string
		}{
			{0, "INVALID_TIMESTAMP"}, {-9*time.Minute + time.Second, "INVALID_TIMESTAMP"}, {-9 * time.Minute, "ok"},
			{-70*time.Minute + time.Second, "ok"}, {-70*time.Minute - time.Second, "INVALID_TIMESTAMP"},
		} {
			p, err := b.write(0, "demo", 0, batch(time.Now().Add(c.at), value(chunk, 0)))
			if got := outcome(p.ErrorCode, err); got != c.want {
				b.t.Errorf("a record of %v from now: %s, want %s", c.at, got, c.want)
			}
		}
	}))
}

func TestWroteAt(t *testing.T) {
	t.Parallel()
	t.Run("wrote", bubble(Options{}, func(b *bench) {
		b.Fault(fault(b.t, "refuse err=KAFKA_STORAGE_ERROR from=2s"))
		chunk := b.Give(Given{Records: 1})
		time.Sleep(time.Second)
		b.wrote(value(chunk, 0))
		wrote := b.Now()
		time.Sleep(2 * time.Second)
		b.wrote(value(chunk, 0))
		if at := b.WroteAt("demo"); len(at) != 2 || at[0] < time.Second || at[0] > wrote || at[1] != 0 {
			b.t.Errorf("%v; the one batch that was taken was at %v at the latest, for partition 0", at, wrote)
		}
		if at := b.WroteAt("another"); at != nil {
			b.t.Errorf("%v of a topic that does not exist", at)
		}
	}))
}

func login(user, password string) kgo.Opt {
	return kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism())
}

func TestPassword(t *testing.T) {
	t.Parallel()
	o := Options{User: "me", Password: "secret"}
	wrote := func(b *bench, want string) {
		b.t.Helper()
		chunk := b.Give(Given{Records: 1})
		if got := b.wrote(value(chunk, 0)); !strings.HasPrefix(got, want) {
			b.t.Errorf("a write gets %q, want %q", got, want)
		}
	}
	const failed = "SASL_AUTHENTICATION_FAILED"
	t.Run("right", bubble(o, func(b *bench) { wrote(b, "ok") }, login("me", "secret")))
	t.Run("wrong", bubble(o, func(b *bench) { wrote(b, failed) }, login("me", "guess")))
	t.Run("of somebody else", bubble(o, func(b *bench) { wrote(b, failed) }, login("you", "secret")))
	t.Run("none", bubble(o, func(b *bench) { wrote(b, "broker closed the connection") }))
	t.Run("nobody asks for it", bubble(Options{}, func(b *bench) { wrote(b, "ok") }, login("you", "guess")))
	t.Run("refused, and going on", bubble(o, func(b *bench) {
		conn, err := b.dial(b.t.Context(), "tcp", b.Addr())
		if err != nil {
			b.t.Fatal(err)
		}
		f := kmsg.NewRequestFormatter()
		_, _ = conn.Write(f.AppendRequest(nil, &kmsg.SASLAuthenticateRequest{SASLAuthBytes: []byte("\x00me\x00guess")}, 1))
		_, _ = conn.Write(f.AppendRequest(nil, &kmsg.MetadataRequest{}, 2))
		answer, err := io.ReadAll(conn)
		if err != nil || len(answer) < 8 || int(binary.BigEndian.Uint32(answer)) != len(answer)-4 {
			b.t.Errorf("not one answer: %x, %v", answer, err)
		}
		_ = conn.Close()
	}))
	t.Run("changed", bubble(o, func(b *bench) {
		wrote(b, "ok")
		b.SetPassword("new")
		wrote(b, "ok") // the connection stays
		b.network.CloseAll()
		wrote(b, "") // notices
		wrote(b, failed)
		b.Fault(fault(b.t, "expired"))
		wrote(b, "TOPIC_AUTHORIZATION_FAILED")
		if got := b.seen("demo"); got != "TOPIC_AUTHORIZATION_FAILED" {
			b.t.Errorf("metadata says %q", got)
		}
		b.SetPassword("secret")
		wrote(b, "ok")
	}, login("me", "secret")))
}

// selfSigned is made in the bubble, since it must be valid in fake time.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New()
		c, err := Start(n, Options{Nodes: 1, TLS: selfSigned(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.AddTopic("demo", 1)
		b := &bench{Cluster: c, t: t, network: n}
		chunk := b.Give(Given{Records: 1})
		b.client = b.connect(kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := b.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil //nolint:gosec // whom it talks to does not matter here
		}))
		defer b.client.Close()
		if got := b.wrote(value(chunk, 0)); got != "ok" {
			t.Error(got)
		}
		b.Fault(fault(t, "cut"))
		if got := b.wrote(value(chunk, 0)); got != "reset" {
			t.Error(got)
		}
	})
}

// Every codec works in a bubble, also when garbage is collected and when the next
// bubble begins.
func TestCodecs(t *testing.T) {
	t.Parallel()
	for number, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		for range 2 {
			t.Run(fmt.Sprint(number), bubble(Options{}, func(b *bench) {
				chunk := b.Give(Given{Records: 1000, Topic: func(int) string { return "demo" }})
				produce := func() error {
					var records []*kgo.Record
					for i := range 1000 {
						records = append(records, &kgo.Record{Topic: "demo", Partition: int32(i % 2), Key: []byte("key"), Value: []byte(value(chunk, i))})
					}
					return b.client.ProduceSync(b.t.Context(), records...).FirstErr()
				}
				if err := produce(); err != nil {
					b.t.Fatal(err)
				}
				b.Account(chunk, func(a *Account) {
					if a.Acked != 1000 || slices.Min(a.Answered) != 1 || slices.Max(a.Landed) != 1 {
						b.t.Errorf("%d of 1000 records were answered", a.Acked)
					}
				})
				if n := b.Acked(); n != 1000 {
					b.t.Errorf("%d answers", n)
				}
				runtime.GC()
				b.Fault(fault(b.t, fmt.Sprintf("codec codec=%d", number)))
				if err := produce(); !errors.Is(err, kerr.UnsupportedCompressionType) {
					b.t.Errorf("codec %d: %v", number, err)
				}
			}, kgo.ProducerBatchCompression(codec), kgo.RecordRetries(0)))
		}
	}
}

// Repeats are counted as such, up to what fits.
func TestRepeats(t *testing.T) {
	t.Parallel()
	t.Run("repeats", bubble(Options{}, func(b *bench) {
		chunk := b.Give(Given{Records: 2})
		const repeats = 300
		for i := range int64(repeats) {
			p, err := b.write(0, "demo", 0, batch(time.Now(), value(chunk, 1)))
			if got := outcome(p.ErrorCode, err); got != "ok" || p.BaseOffset != i {
				b.t.Fatalf("write %d: %s, offset %d", i, got, p.BaseOffset)
			}
		}
		b.Account(chunk, func(a *Account) {
			if a.Acked != 1 || a.Landed[1] != 255 || a.Answered[1] != 255 || a.Landed[0]+a.Answered[0] != 0 {
				b.t.Errorf("%+v", a)
			}
		})
		if n := b.Acked(); n != repeats {
			b.t.Errorf("%d answers", n)
		}
	}))
}

// Whoever wants no answer gets none, not even a wrong one.
func TestAcksNone(t *testing.T) {
	t.Parallel()
	t.Run("none", bubble(Options{}, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		for range 2 {
			if _, err := request("demo", 0, batch(time.Now(), value(chunk, 0))).RequestWith(b.t.Context(), b.client.Broker(0)); err != nil {
				b.t.Error(err)
			}
		}
		time.Sleep(time.Second)
		if landed, answered := b.account(chunk); landed != 2 || answered != 0 {
			b.t.Errorf("landed %d, answered %d times", landed, answered)
		}
	}, kgo.RequiredAcks(kgo.NoAck())))
}

// An ordinary client delivers everything in the end.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New()
		c, err := Start(n, Options{Nodes: 3})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.AddTopic("demo", 4)
		for _, text := range []string{
			"refuse err=NOT_ENOUGH_REPLICAS from=10s until=1m", "cut from=2m until=3m node=1", "cut-after from=3m until=4m count=3",
			"dial-hang from=4m until=5m", "landed err=REQUEST_TIMED_OUT from=5m until=6m partition=2", "flap from=6m until=7m", "silence from=7m until=8m node=0",
		} {
			c.Fault(fault(t, text))
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(c.Addr()), kgo.Dialer((&bench{network: n}).dial), kgo.DisableIdempotentWrite(), kgo.DisableClientMetrics(),
			kgo.RequestTimeoutOverhead(time.Second), kgo.ProduceRequestTimeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		const records = 10 * 60
		chunk := c.Give(Given{Records: records})
		for i := range records {
			client.Produce(t.Context(), &kgo.Record{Topic: "demo", Value: []byte(value(chunk, i))}, nil)
			time.Sleep(time.Second)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Account(chunk, func(a *Account) {
			if a.Acked != records || slices.Max(a.Landed) == 1 {
				t.Errorf("%d of %d records were answered, landed %d times at most", a.Acked, records, slices.Max(a.Landed))
			}
		})
		if what := c.Broken(); what != "" {
			t.Error(what)
		}
	})
}

// Close ends whatever the cluster waits for.
func TestClose(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "silence", "delay delay=1h", "dial-hang", "throttle delay=1h"} {
		t.Run(text, bubble(Options{}, func(b *bench) {
			if text != "" {
				b.Fault(fault(b.t, text))
			}
			go func() { _ = b.seen("demo") }()
			time.Sleep(5 * time.Second)
			begin := time.Now()
			b.Close()
			b.Close()
			if took := time.Since(begin); took != 0 {
				b.t.Errorf("closing took %v", took)
			}
		}))
	}
}

// damage are the ways of a client to send what it must never send.
func TestBroken(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1e12)
	for _, c := range []struct {
		name, want string
		raw        func(chunk int) []byte
	}{
		{"checksum", "a batch with a wrong checksum", func(chunk int) []byte { return flip(batch(at, value(chunk, 0)), 80) }},
		{"short length", "a batch of 90 bytes says that 77 follow its length", func(chunk int) []byte { return length(batch(at, value(chunk, 0)), 77) }},
		{"long length", "", func(chunk int) []byte { return length(batch(at, value(chunk, 0)), 80) }},
		{"format", "a batch of format 3", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 16)) }},
		{"end", "", func(chunk int) []byte { return batch(at, value(chunk, 0))[:50] }},
		{"nothing", "", func(int) []byte { return []byte{} }},
		{"attributes", "a batch with attributes 0x100", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 21)) }},
		{"codec", "", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 22)) }},
		{"producer", "", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 50)) }},
		{"count", "a batch of 1 records, the last at 1", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 26)) }},
		{"time", "", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 42)) }},
		{"too few", "record 1 of 2 ends after its batch", func(chunk int) []byte { return count(batch(at, value(chunk, 0)), 2) }},
		{"too many", "29 bytes after the 1 records of a batch", func(chunk int) []byte { return count(batch(at, value(chunk, 0), value(chunk, 0)), 1) }},
		{"record's attributes", "record 0 of 1: attributes 1, offset 0", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 62)) }},
		{"offset", "record 0 of 1: attributes 0, offset -1", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 64)) }},
		{"record's end", "", func(chunk int) []byte { return seal(flip(batch(at, value(chunk, 0)), 66)) }},
		{"headers", "", func(chunk int) []byte {
			raw := batch(at, value(chunk, 0))
			raw[len(raw)-1] = 0x7e // 63 headers
			return seal(raw)
		}},
		{"no id", "record 0 of 1: it has no id", func(int) []byte { return batch(at, `{"log":"hello"}`) }},
		{"id without digits", "record 0 of 1: it has no id", func(int) []byte { return batch(at, `{"id":x}`) }},
		{"large id", "record 0 of 1: it has no id", func(int) []byte { return batch(at, `{"id":99999999999999999999}`) }},
		{"late id", "record 0 of 1: it has no id", func(chunk int) []byte { return batch(at, strings.Repeat(" ", 120)+value(chunk, 0)) }},
		{"unknown record", "record 0 of 1: nobody gave record 1 of chunk 0", func(chunk int) []byte { return batch(at, value(chunk, 1)) }},
		{"unknown chunk", "record 0 of 1: nobody gave record 0 of chunk 1", func(chunk int) []byte { return batch(at, value(chunk+1, 0)) }},
		{"topic", "record 0 of chunk 1 is of topic other, and was written to demo", nil},
	} {
		t.Run(c.name, bubble(Options{}, func(b *bench) {
			chunk := b.Give(Given{Records: 1})
			if c.raw == nil {
				chunk = b.Give(Given{Records: 1, Topic: func(int) string { return "other" }})
				c.raw = func(chunk int) []byte { return batch(at, value(chunk, 0)) }
			}
			p, err := b.write(0, "demo", 0, c.raw(chunk))
			if got := outcome(p.ErrorCode, err); got != "CORRUPT_MESSAGE" {
				b.t.Errorf("the write gets %q", got)
			}
			if landed, _ := b.account(chunk); landed != 0 {
				b.t.Error("landed")
			}
			if b.broken = c.want; c.want == "" {
				if b.broken = b.Broken(); b.broken == "" {
					b.t.Error("nothing is broken")
				}
				b.t.Log(b.broken)
			}
		}))
	}
	t.Run("the first thing counts", bubble(Options{}, func(b *bench) {
		for i := range 2 {
			_, _ = b.write(0, "demo", 0, batch(at, value(i, 0)))
		}
		b.broken = "record 0 of 1: nobody gave record 0 of chunk 0"
	}))
	t.Run("twice", bubble(Options{}, func(b *bench) {
		chunk := b.Give(Given{Records: 1})
		r := request("demo", 0, batch(at, value(chunk, 0)))
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, r.Topics[0].Partitions[0])
		_, _ = r.RequestWith(b.t.Context(), b.client.Broker(0))
		b.broken = "a request with two batches for partition 0 of demo"
	}))
	whole := kmsg.NewRequestFormatter().AppendRequest(nil, &kmsg.MetadataRequest{Version: 7}, 1)
	for what, frame := range map[string][]byte{
		"a request of 1195725856 bytes":  []byte("GET / HTTP/1.1"),
		"a request of unknown kind 100":  {0, 0, 0, 10, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0},
		"the header of a request: ":      {0, 0, 0, 2, 0, 3},
		"a request Metadata: ":           append([]byte{0, 0, 0, byte(len(whole) - 8)}, whole[4:len(whole)-4]...),
		"a request Fetch of version 4":   kmsg.NewRequestFormatter().AppendRequest(nil, &kmsg.FetchRequest{Version: 4}, 1),
		"a request Produce of version 9": kmsg.NewRequestFormatter().AppendRequest(nil, &kmsg.ProduceRequest{Version: 9}, 1),
	} {
		t.Run(what, bubble(Options{}, func(b *bench) {
			conn, err := b.dial(b.t.Context(), "tcp", b.Addr())
			if err != nil {
				b.t.Fatal(err)
			}
			_, _ = conn.Write(frame)
			if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
				b.t.Errorf("%d bytes are the answer, %v", n, err)
			}
			_ = conn.Close()
			if b.broken = b.Broken(); !strings.HasPrefix(b.broken, what) {
				b.t.Errorf("broken: %q, want %q", b.broken, what)
			}
		}))
	}
}

// flip changes a byte's lowest bit.
func flip(raw []byte, at int) []byte {
	raw[at] ^= 1
	return raw
}

// length makes a batch say that n bytes follow its length.
func length(raw []byte, n int) []byte {
	binary.BigEndian.PutUint32(raw[8:], uint32(n))
	return raw
}

// count makes a batch say that it has n records.
func count(raw []byte, n int) []byte {
	binary.BigEndian.PutUint32(raw[57:], uint32(n))
	binary.BigEndian.PutUint32(raw[23:], uint32(n-1))
	return seal(raw)
}

func TestRates(t *testing.T) {
	t.Parallel()
	var c counter
	for _, at := range []time.Duration{0, 9 * time.Second, 10*time.Second - 1, 10 * time.Second, 19 * time.Second, time.Minute} {
		c.add(at)
	}
	if c.Worst != 3 || c.Total != 6 || len(c.seconds) != 61 || c.seconds[9] != 2 {
		t.Errorf("%+v", c)
	}
	t.Run("of a cluster", bubble(Options{}, func(b *bench) {
		b.Fault(fault(b.t, "refuse err=KAFKA_STORAGE_ERROR"))
		chunk := b.Give(Given{Records: 1})
		for i := range 30 {
			_, _ = b.write(i%3/2, "demo", int32(i%3/2), batch(time.Now(), value(chunk, 0)))
			_ = b.seen("demo")
			time.Sleep(time.Second - b.Now()%time.Second)
		}
		r := b.Rates()
		// Connecting delays the first request a little, so that eleven are in one window.
		if r.Produce != (Rate{11, 30}) || r.Metadata != (Rate{11, 30}) || r.Dials.Total != 4 || r.Failed != (Rate{8, 30}) || r.FailedOf != "demo/0" {
			b.t.Errorf("%+v", r)
		}
		if len(r.ProduceSeconds) != 30 || slices.Max(r.ProduceSeconds) != 1 || !slices.Equal(r.DialSeconds, []int{3, 0, 1}) {
			b.t.Errorf("%+v", r)
		}
	}))
}
