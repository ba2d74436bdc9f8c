package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
	"out_sls_kafka/plugin/display"
)

// walk is the way to the logstore of one output, step by step.
type walk struct {
	out  io.Writer
	cfg  *config.Config
	stop <-chan struct{} // the user has interrupted it
	send bool            // the AccessKey, to a broker that nobody has verified
	ok   bool
}

// walkAll goes the way of each output and tells whether all of it was fine.
func walkAll(ctx context.Context, out io.Writer, outputs []*output, s settings) (ok bool) {
	if len(outputs) == 0 {
		fmt.Fprintln(out)
		writeLine(out, "not tried online: the configuration has no output of %s", pluginName)
		return false
	}
	ok = true
	for _, o := range outputs {
		w := &walk{out: out, cfg: o.parsed, stop: ctx.Done(), send: s.send, ok: true}
		switch {
		case w.interrupted():
			fmt.Fprintln(out)
			writeLine(out, "%v: not tried online: interrupted", o.Place)
			ok = false
			continue
		case o.parsed == nil:
			fmt.Fprintln(out)
			writeLine(out, "%v: not tried online: its options must be right first", o.Place)
			continue
		}
		fmt.Fprintln(out)
		writeLine(out, "%v: online, logstore %s of project %s", o.Place, w.cfg.Logstore, w.cfg.Project)
		w.announce()
		if s.write {
			writeLine(out, "  One test record will be written to %s; -write=false leaves that out.", w.topic())
		}
		w.all(ctx, s.write)
		ok = ok && w.ok
	}
	return ok
}

// announce says where the AccessKey goes: the configuration may be a stranger's, and the AccessKey this shell's.
func (w *walk) announce() {
	switch {
	case w.cfg.TLSVerify:
		writeLine(w.out, "  The AccessKey will be sent to %s, once its certificate is verified.", w.cfg.Addresses())
	case w.send:
		writeLine(w.out, "  The AccessKey will be sent to %s, whose certificate nobody verifies: tls_verify is off.", w.cfg.Addresses())
	}
}

// maySend tells whether the AccessKey may go to who answered.
func (w *walk) maySend() bool {
	if w.cfg.TLSVerify || w.send {
		return true
	}
	w.fail("SASL", "not tried: tls_verify is off, so whoever answers at this address would get the AccessKey", "set tls_ca_file in place of tls_verify off; to send it all the same, -insecure")
	return false
}

func (w *walk) topic() string { return w.cfg.Topic(w.cfg.Logstore) }

// step prints what came of one step.
func (w *walk) step(name, state, text string) {
	writeLine(w.out, "  %-5s  %-7s  %s", name, state, w.cfg.Secrets.Hide(text))
}

func (w *walk) pass(name string, began time.Time, format string, a ...any) {
	took := time.Since(began)
	w.step(name, "ok", fmt.Sprintf(format, a...)+" ("+figure(took)+")")
}

// interrupted tells whether the user wants no more steps.
func (w *walk) interrupted() bool {
	select {
	case <-w.stop:
		return true
	default:
		return false
	}
}

func (w *walk) fail(name, what, do string) {
	w.ok = false
	if w.interrupted() { // which is why the step failed
		w.step(name, "-", "interrupted")
		return
	}
	w.step(name, "failed", what)
	if do != "" {
		writeLine(w.out, "%18sdo: %s", "", w.cfg.Secrets.Hide(do))
	}
}

// figure is a time for a person.
func figure(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// all goes the whole way, until a step fails.
func (w *walk) all(ctx context.Context, write bool) {
	var reached []string
	for _, address := range w.cfg.Endpoints {
		if len(w.cfg.Endpoints) > 1 {
			writeLine(w.out, "  endpoint %s", address)
		}
		if w.connect(ctx, address) {
			reached = append(reached, address)
		}
		if w.interrupted() {
			w.ok = false
			return
		}
	}
	if len(reached) == 0 {
		w.step("SASL", "-", "not tried, nor what comes after it: no endpoint can be reached")
		return
	}
	if !w.maySend() {
		return
	}
	// The plugin tries one endpoint after the other; here each has been tried.
	client, err := w.client(reached)
	if err != nil {
		w.fail("SASL", err.Error(), "fix the options of this output")
		return
	}
	defer client.Close()
	if !w.authenticate(ctx, client) || !w.find(ctx, client) || !write {
		return
	}
	w.write(ctx, client)
}

func (w *walk) client(endpoints []string) (*kgo.Client, error) {
	opts, err := connect.ProbeOptions(w.cfg)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts, kgo.SeedBrokers(endpoints...))...)
}

// limit bounds a step that waits for answers.
func (w *walk) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.cfg.DialTimeout+w.cfg.RequestTimeout)
}

// authenticate makes the client connect, for which it must pass SASL.
func (w *walk) authenticate(ctx context.Context, client *kgo.Client) bool {
	ctx, cancel := w.limit(ctx)
	defer cancel()
	began := time.Now()
	if _, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client); err != nil {
		w.fail("SASL", w.cfg.AdviceWithoutRetry(w.cfg.Logstore, err), "")
		return false
	}
	w.pass("SASL", began, "PLAIN, user %s; whether it may write is seen at the next steps", w.cfg.Project)
	return true
}

// find asks for the logstores themselves: only that shows a refused AccessKey or an unknown logstore. It tells whether the
// option logstore is there.
func (w *walk) find(ctx context.Context, client *kgo.Client) bool {
	for _, name := range w.cfg.FixedLogstores() {
		if !w.findLogstore(ctx, client, name) && name == w.cfg.Logstore {
			return false
		}
	}
	return true
}

func (w *walk) findLogstore(ctx context.Context, client *kgo.Client, logstore string) bool {
	name := w.cfg.Topic(logstore)
	ctx, cancel := w.limit(ctx)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(name)
	request.Topics = append(request.Topics, topic)
	began := time.Now()
	response, err := request.RequestWith(ctx, client)
	if err == nil && len(response.Topics) != 1 {
		err = kerr.UnknownTopicOrPartition
	}
	if err == nil {
		err = kerr.ErrorForCode(response.Topics[0].ErrorCode)
	}
	if err != nil {
		w.fail("topic", w.cfg.AdviceWithoutRetry(logstore, err), "")
		return false
	}
	w.pass("topic", began, "%s exists, %s (SLS's shards)", name, number(len(response.Topics[0].Partitions), "partition"))
	if logstore == w.cfg.Logstore {
		w.checkBrokers(response.Brokers)
	}
	return true
}

// checkBrokers looks at where the records will go, and the AccessKey with them.
func (w *walk) checkBrokers(brokers []kmsg.MetadataResponseBroker) {
	const mostNamed = 5
	var names []string
	for _, b := range brokers {
		if w.cfg.IsOutside(b.Host) && len(names) < mostNamed {
			names = append(names, display.Cut(b.Host))
		}
	}
	if len(names) > 0 {
		w.step("topic", "warning", "the endpoint names brokers outside of its domain, which get the AccessKey too: "+list(names)+"; broker_hosts says which may be called")
	}
}

// write sends one record, which says of itself what it is.
func (w *walk) write(ctx context.Context, client *kgo.Client) {
	ctx, cancel := w.limit(ctx)
	defer cancel()
	record := &kgo.Record{Topic: w.topic(), Value: testRecord(time.Now()), Timestamp: time.Now()}
	if w.cfg.MessageKey != "" {
		record.Key = []byte(w.cfg.MessageKey)
	}
	began := time.Now()
	written, err := client.ProduceSync(ctx, record).First()
	if err != nil {
		w.fail("write", w.cfg.AdviceWithoutRetry(w.cfg.Logstore, err), "")
		return
	}
	w.pass("write", began, "one test record to partition %d, acknowledged", written.Partition)
}

// testRecord is the record that write sends.
func testRecord(now time.Time) []byte {
	host, _ := os.Hostname() // it only helps to find the record again
	value, err := json.Marshal(struct {
		Message string `json:"message"`
		Host    string `json:"host"`
		Time    string `json:"time"`
	}{"test record of sls-check; it may be ignored", host, now.UTC().Format(time.RFC3339)})
	if err != nil {
		panic(err) // three texts
	}
	return value
}
