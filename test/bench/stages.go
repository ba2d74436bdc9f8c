package main

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/tinylib/msgp/msgp"

	"out_sls_kafka/encoder"
	"out_sls_kafka/plugin"
	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/produce"
	"out_sls_kafka/test/sls"
)

// stageRecords is how many records go through each stage.
const stageRecords = 2_000_000

// stages says where the plugin's CPU time goes, on the bytes of the pipeline
// scenario: the whole way of a chunk in this process, with the endpoint in
// another, and each stage alone.
func (b *bench) stages() (string, error) {
	chunk, n := accessChunk(2 << 20)
	rounds := stageRecords / n
	total := float64(rounds * n)
	whole, err := b.wholeWay(way{chunk: chunk, rounds: rounds, shards: 2, profile: b.profile})
	if err != nil {
		return "", err
	}
	enc, err := encoder.New(encoder.Options{TimeKey: "@timestamp"})
	if err != nil {
		return "", err
	}
	var batch encoder.Batch
	encode := cpuOf(func() {
		for range rounds {
			batch.Reset()
			enc.Append(&batch, chunk, "bench")
		}
	})
	thorough, _, err := compressing(batch.Buf, produce.GzipLevel, rounds)
	if err != nil {
		return "", err
	}
	compress, packed, err := compressing(batch.Buf, produce.BacklogGzipLevel, rounds)
	if err != nil {
		return "", err
	}
	encrypt, err := sealing(packed, float64(len(batch.Buf))/(1<<20)*float64(rounds))
	if err != nil {
		return "", err
	}
	var t table
	t.title("### Stages: %d access log records in chunks of %d, gzip, time_key; CPU of this process alone", rounds*n, n)
	t.header("stage", "ns a record", "share")
	row := func(name string, d time.Duration) {
		t.row(name, fmt.Sprintf("%.0f", float64(d)/total), fmt.Sprintf("%.0f %%", float64(d)/float64(whole)*100))
	}
	row("whole", whole)
	row("encode (package encoder)", encode)
	row(fmt.Sprintf("compress (gzip level %d: batches wait)", produce.BacklogGzipLevel), compress)
	row("encrypt (AES-128-GCM)", encrypt)
	row("the rest: batches, Kafka client, system calls, memory", whole-encode-compress-encrypt)
	row(fmt.Sprintf("compress (gzip level %d), were there time", produce.GzipLevel), thorough)
	return t.String(), nil
}

// compressing is the CPU time of compressing text the given number of times, in batches, and
// the last batch.
func compressing(text []byte, level, times int) (took time.Duration, packed []byte, err error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return 0, nil, err
	}
	took = cpuOf(func() {
		for range times {
			for rest := text; len(rest) > 0; {
				part := rest[:min(len(rest), 1<<20)]
				rest = rest[len(part):]
				b.Reset()
				w.Reset(&b)
				_, failed := w.Write(part)
				err = errors.Join(err, failed, w.Close())
			}
		}
	})
	return took, b.Bytes(), err
}

// cpuOf is the CPU time f takes in this process.
func cpuOf(f func()) time.Duration {
	before := cpuNow()
	f()
	return cpuNow() - before
}

func cpuNow() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// sealing encrypts times copies of data in records of TLS's size.
func sealing(data []byte, times float64) (time.Duration, error) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return 0, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return 0, err
	}
	nonce, out := make([]byte, gcm.NonceSize()), make([]byte, 0, 1<<15)
	return cpuOf(func() {
		for range int(times) {
			for rest := data; len(rest) > 0; {
				part := rest[:min(len(rest), 1<<14)]
				rest = rest[len(part):]
				out = gcm.Seal(out[:0], nonce, part, nil)
			}
		}
	}), nil
}

// accessChunk is one chunk as Fluent Bit's tail makes it.
func accessChunk(size int) (chunk []byte, n int) {
	var line bytes.Buffer
	w := bufio.NewWriter(&line)
	for ; len(chunk) < size; n++ {
		line.Reset()
		writeAccessLine(w, n)
		w.Flush()
		chunk = append(chunk, 0x92, 0x92, 0xd7, 0x00, 0x69, 0, 0, byte(n>>12), 0x0b, byte(n>>8), byte(n), 0)
		chunk = append(chunk, 0xdf, 0, 0, 0, 0, 0xdf, 0, 0, 0, 1) // no metadata; one field
		chunk = msgp.AppendString(chunk, "log")
		chunk = msgp.AppendString(chunk, strings.TrimSuffix(line.String(), "\n"))
	}
	return chunk, n
}

// wake is a waker for the one goroutine of wholeWay.
type wake chan struct{}

func (w wake) Wake(plugin.Result) {
	select {
	case w <- struct{}{}:
	default:
	}
}

// wholeWay delivers the chunk w.rounds times, several in flight, to an endpoint
// in another process.
func (b *bench) wholeWay(w way) (cpu time.Duration, err error) {
	address, stop, err := b.endpointProcess(w.shards, w.logstores)
	if err != nil {
		return 0, err
	}
	defer stop()
	properties := map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": address, "tls_ca_file": b.ca(ours),
		"access_key_id": "demo-id", "access_key_secret": "demo-secret", "time_key": "@timestamp"}
	if w.codec != "" {
		properties["compression"] = w.codec
	}
	if w.logstores > 1 {
		properties["logstore_key"] = logstoreField
	}
	for _, pair := range strings.Split(b.extra, ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			properties[key] = value
		}
	}
	cfg, _, err := config.Parse(config.Source{Property: func(k string) string { return properties[k] }, Getenv: os.Getenv})
	if err != nil {
		return 0, err
	}
	out, err := plugin.New(cfg, plugin.Env{Log: plugin.NewLog(nil, "bench")})
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if w.profile != "" {
		f, err := os.Create(w.profile)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return 0, err
		}
		defer pprof.StopCPUProfile()
	}
	woken := make(wake, 1)
	before := cpuNow()
	flying := make(map[*plugin.Chunk]struct{})
	for sent := 0; sent < w.rounds || len(flying) > 0; {
		for sent < w.rounds && len(flying) < w.flying() {
			flying[out.Submit(w.tag(sent), w.chunk, woken, false)] = struct{}{}
			sent++
		}
		for c := range flying {
			switch r := c.Advance(w.chunk); r {
			case plugin.Pending:
			case plugin.OK:
				delete(flying, c)
			default:
				return 0, fmt.Errorf("a chunk ended with %d", r)
			}
		}
		if len(flying) == w.flying() || sent == w.rounds && len(flying) > 0 {
			<-woken
		}
	}
	return cpuNow() - before, nil
}

// endpointProcess runs this program once more as nothing but an endpoint.
func (b *bench) endpointProcess(shards, logstores int) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-endpoint", b.ca(ours), "-shards", strconv.Itoa(shards), "-logstores", strconv.Itoa(logstores))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}
	line, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("endpoint process: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// serveEndpoint is that other process: it prints its address and serves.
func serveEndpoint(caFile string, shards, logstores int) error {
	o := sls.Options{DiscardLogs: true, Shards: shards, Logstores: []string{"demo"}}
	for i := range logstores {
		o.Logstores = append(o.Logstores, logstoreName(i))
	}
	e, err := sls.Start(o)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := os.WriteFile(caFile, e.CAPEM(), 0o600); err != nil {
		return err
	}
	fmt.Println(e.Addr())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	return nil
}
