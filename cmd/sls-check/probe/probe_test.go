package probe

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/test/sls"
)

const limit = 2 * time.Minute

func start(t *testing.T, o sls.Options) *sls.Endpoint {
	t.Helper()
	e, err := sls.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// targetOf is what a probe of an endpoint asks.
func targetOf(t *testing.T, e *sls.Endpoint) Target {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	properties := map[string]string{"project": "demo-project", "logstore": "demo", "endpoint": e.Addr(), "tls_ca_file": ca,
		"access_key_id": "demo-id", "access_key_secret": "demo-secret", "request_timeout": "5s"}
	c, _, err := config.Parse(config.Source{Property: func(key string) string { return properties[key] }, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return Target{Config: c, Group: "sls-check", Wait: 20 * time.Second, Now: time.Now}
}

func run(t *testing.T, target Target) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	report, err := Run(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func rowOf(t *testing.T, r *Report, id string) Row {
	t.Helper()
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.ID == id })
	if i < 0 {
		t.Fatalf("no experiment %s", id)
	}
	return r.Rows[i]
}

// What the local endpoint does is what the table says that it does.
func TestLocalEndpoint(t *testing.T) {
	other, err := sls.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, sls.Options{CA: other})
	target := targetOf(t, e)
	target.Other = start(t, sls.Options{CA: other, Logstores: []string{"another"}}).Addr()
	target.STS, target.Sizes, target.Idle = "sts#secret#token", true, 100*time.Millisecond
	r := run(t, target)
	for _, row := range r.Rows {
		want := AsLocal
		if row.Documented != "" {
			want = AsDocumented
		}
		if row.ID == "load" {
			want = NotTried
		}
		if row.Verdict != want {
			t.Errorf("%s: %s: %s (%s), want %s", row.ID, row.Verdict, row.Outcome, row.Detail, row.Local)
		}
	}
	if len(r.Rows) < 45 {
		t.Errorf("%d rows", len(r.Rows))
	}
	if n := e.Count("demo"); n > 300 {
		t.Errorf("%d records were written, more than a few hundred", n)
	}
}

// mutation is another service than the local endpoint, and what an experiment finds there.
type mutation struct {
	id      string // of the experiment
	options func(o *sls.Options)
	target  func(t *Target)
	outcome string
	verdict Verdict
}

func behave(set func(b *sls.Behaviour)) func(*sls.Options) {
	return func(o *sls.Options) { set(&o.Behaviour) }
}

func values(set func(v *sls.ValueBehaviour)) func(*sls.Options) {
	return func(o *sls.Options) { set(&o.Behaviour.Values) }
}

func oldest(d time.Duration) func(*sls.Options) {
	return behave(func(b *sls.Behaviour) { b.OutOfTime, b.OldestLog = sls.Refuse, d })
}

func newest(d time.Duration) func(*sls.Options) {
	return behave(func(b *sls.Behaviour) { b.OutOfTime, b.NewestLog = sls.Drop, d })
}

func codecs(names ...string) func(*sls.Options) {
	return behave(func(b *sls.Behaviour) { b.Codecs = names })
}

var mutations = []mutation{
	{id: "api-versions", options: behave(func(b *sls.Behaviour) { b.MaxProduceVersion = 4 }), outcome: "lacks Produce 3 to 7"},
	{id: "api-versions-newest", options: behave(func(b *sls.Behaviour) { b.CutUnknownAPIVersions = true }), target: func(t *Target) { t.Group = "" }, outcome: "connection closed"},
	{id: "metadata-versions", options: behave(func(b *sls.Behaviour) { b.UnservedMetadataVersions = []int16{3} }), outcome: "not answered: 3 connection closed"},
	{id: "idempotence", options: behave(func(b *sls.Behaviour) { b.Idempotence = true }), outcome: "yes"},
	{id: "sasl-1", options: behave(func(b *sls.Behaviour) { b.RefuseAuthenticate = true }), target: func(t *Target) { t.Group = "" }, outcome: "connection closed"},
	{id: "sasl-0", options: behave(func(b *sls.Behaviour) { b.RefuseBareToken = true }), outcome: "connection closed"},
	{id: "mechanisms", options: behave(func(b *sls.Behaviour) { b.Mechanisms = []string{"SCRAM-SHA-256", "PLAIN"} }), outcome: "PLAIN, SCRAM-SHA-256"},
	{id: "wrong-secret", options: func(o *sls.Options) { o.RefuseSASL = true }, outcome: "refused: SASL_AUTHENTICATION_FAILED"},
	{id: "wrong-project", options: func(o *sls.Options) { o.RefuseSASL = true }, outcome: "refused: SASL_AUTHENTICATION_FAILED"},
	{id: "sts", options: behave(func(b *sls.Behaviour) { b.SecurityToken = "token" }), target: func(t *Target) { t.STS = "demo-id#demo-secret#token" }, outcome: "accepted"},
	{id: "missing-logstore", options: behave(func(b *sls.Behaviour) { b.MissingLogstore = kerr.TopicAuthorizationFailed }), outcome: "refused: TOPIC_AUTHORIZATION_FAILED"},
	{id: "other-region", target: func(t *Target) { t.Other = t.Config.Endpoints[0] }, outcome: "accepted"},
	{id: "hosts", options: behave(func(b *sls.Behaviour) { b.BrokerHost = "127.0.0.9" }), target: func(t *Target) { t.Group = "" }, outcome: "cannot connect"},
	{id: "hosts", options: func(o *sls.Options) { o.Listen, o.Behaviour.BrokerHost = "0.0.0.0:0", "127.0.0.2" }, target: func(t *Target) {
		t.Group = ""
		_, port, _ := net.SplitHostPort(t.Config.Endpoints[0])
		t.Config.Endpoints[0] = "127.0.0.1:" + port
	}, outcome: "no"},
	{id: "shards", options: func(o *sls.Options) { o.Shards, o.Behaviour.HiddenShards = 3, []int32{1} }, target: func(t *Target) { t.Group = "" }, outcome: "with gaps"},
	{id: "idle", options: behave(func(b *sls.Behaviour) { b.IdleTimeout = 300 * time.Millisecond }), target: func(t *Target) { t.Idle = 10 * time.Second }, outcome: "closed"},

	{id: "produce-versions", options: behave(func(b *sls.Behaviour) { b.UnservedProduceVersions = []int16{5} }), outcome: "not all: 5 connection closed"},
	{id: "acks-1", options: behave(func(b *sls.Behaviour) { b.Acks = []int16{-1} }), outcome: "refused: INVALID_REQUIRED_ACKS"},
	{id: "acks-all", options: behave(func(b *sls.Behaviour) { b.Acks = []int16{1} }), outcome: "refused: INVALID_REQUIRED_ACKS"},
	{id: "codec-none", options: codecs("gzip"), outcome: "refused: UNSUPPORTED_COMPRESSION_TYPE"},
	{id: "codec-gzip", options: codecs("none"), outcome: "refused: UNSUPPORTED_COMPRESSION_TYPE"},
	{id: "codec-snappy", options: codecs("gzip"), outcome: "refused: UNSUPPORTED_COMPRESSION_TYPE"},
	{id: "codec-lz4", options: codecs("gzip"), outcome: "refused: UNSUPPORTED_COMPRESSION_TYPE"},
	{id: "codec-zstd", options: codecs("gzip"), outcome: "refused: UNSUPPORTED_COMPRESSION_TYPE"},
	{id: "batches", options: behave(func(b *sls.Behaviour) { b.OneBatch = true }), outcome: "refused: INVALID_REQUEST"},
	{id: "text", options: behave(func(b *sls.Behaviour) { b.ContentField = "message" }), outcome: `message=MARK text`},
	{id: "json", options: behave(func(b *sls.Behaviour) { b.NoExpansion = true }), outcome: `content={"probe":"MARK","a":"b"}`},
	{id: "header", options: behave(func(b *sls.Behaviour) { b.IgnoreHeader = true }), outcome: `content={"probe":"MARK","a":"b"}`},
	{id: "key", options: behave(func(b *sls.Behaviour) { b.KeyIsField = true }), outcome: "k=MARK text"},

	{id: "largest-record", options: func(o *sls.Options) { o.MaxMessageBytes = 3 << 20 }, target: func(t *Target) { t.Sizes = true }, outcome: "up to 2.9 MiB, then refused: MESSAGE_TOO_LARGE"},
	{id: "largest-request", options: func(o *sls.Options) { o.Shards, o.Behaviour.MaxRequestBytes = 4, 3<<20 }, target: func(t *Target) { t.Sizes = true }, outcome: "up to 3.0 MiB, then connection closed"},

	{id: "time-1970", options: oldest(50 * 365 * 24 * time.Hour), outcome: "refused: INVALID_TIMESTAMP"},
	{id: "time-10-years", options: oldest(9 * 365 * 24 * time.Hour), outcome: "refused: INVALID_TIMESTAMP"},
	{id: "time-8-days", options: oldest(7 * 24 * time.Hour), outcome: "refused: INVALID_TIMESTAMP"},
	{id: "time-6-days", options: oldest(5 * 24 * time.Hour), outcome: "refused: INVALID_TIMESTAMP"},
	{id: "time-10-minutes-ahead", options: newest(5 * time.Minute), outcome: notFound},
	{id: "time-1-hour-ahead", options: newest(15 * time.Minute), outcome: notFound},
	{id: "time-1-day-ahead", options: newest(2 * time.Hour), outcome: notFound},

	{id: "value-not-json", options: values(func(v *sls.ValueBehaviour) { v.NotJSON = sls.Refuse }), outcome: "refused: INVALID_RECORD"},
	{id: "value-array", options: values(func(v *sls.ValueBehaviour) { v.NotAnObject = sls.Drop }), outcome: notFound},
	{id: "value-scalar", options: values(func(v *sls.ValueBehaviour) { v.NotAnObject = sls.Refuse }), outcome: "refused: INVALID_RECORD"},
	{id: "value-nested", options: values(func(v *sls.ValueBehaviour) { v.Flatten = true }), outcome: `a.b={"c":[1,"x"]}`},
	{id: "value-null", options: values(func(v *sls.ValueBehaviour) { v.Null = "-" }), outcome: "no fields"},
	{id: "value-number", options: values(func(v *sls.ValueBehaviour) { v.RoundNumber = true }), outcome: "a=1.2345678901234567e+19, b=1.5"},
	{id: "value-boolean", options: values(func(v *sls.ValueBehaviour) { v.True, v.False = "1", "0" }), outcome: "a=1, b=0"},
	{id: "value-empty", options: values(func(v *sls.ValueBehaviour) { v.EmptyObject = sls.Drop }), outcome: notFound},
	{id: "value-duplicates", options: values(func(v *sls.ValueBehaviour) { v.Duplicates = sls.KeepLast }), outcome: "a=2"},
	{id: "value-1000-keys", options: values(func(v *sls.ValueBehaviour) { v.MaxFields = 900 }), outcome: "refused: INVALID_RECORD"},
	{id: "value-key-128", options: values(func(v *sls.ValueBehaviour) { v.MaxKeyBytes, v.LongKeys = 100, sls.Cut }), outcome: "no fields"},
	{id: "value-key-129", options: values(func(v *sls.ValueBehaviour) { v.MaxKeyBytes, v.LongKeys = 128, sls.Refuse }), outcome: "refused: INVALID_RECORD"},
	{id: "value-reserved", options: values(func(v *sls.ValueBehaviour) { v.ReservedKeys = sls.Cut }), outcome: "no fields"},
	{id: "value-1-mb", options: values(func(v *sls.ValueBehaviour) { v.MaxValueBytes, v.LongValues = 999_999, sls.Cut }), outcome: "a=(999999 bytes)"},
	{id: "value-utf-8", options: values(func(v *sls.ValueBehaviour) { v.BrokenUTF8 = sls.Refuse }), outcome: "refused: INVALID_RECORD"},

	{id: "consume", options: behave(func(b *sls.Behaviour) { b.NoConsumer = true }), outcome: "refused: GROUP_AUTHORIZATION_FAILED"},
	{id: "load", options: func(o *sls.Options) { o.Quota = sls.Quota{Bytes: 5_000_000} }, target: func(t *Target) { t.Load = true }, outcome: "refused: THROTTLING_QUOTA_EXCEEDED"},
	{id: "load", options: func(o *sls.Options) {
		o.Quota, o.Behaviour.ThrottleTime = sls.Quota{Bytes: 5_000_000}, 10*time.Millisecond
	}, target: func(t *Target) { t.Load = true }, outcome: "lands, and throttle_time asks for a wait"},
}

// Each experiment can fail: at a service that differs in one thing its row does, and says in what.
func TestMutations(t *testing.T) {
	seen := map[string]bool{}
	for i, m := range mutations {
		seen[m.id] = true
		t.Run(fmt.Sprint(m.id, " ", i), func(t *testing.T) {
			t.Parallel()
			var o sls.Options
			if m.options != nil {
				m.options(&o)
			}
			target := targetOf(t, start(t, o))
			if strings.HasPrefix(m.outcome, "refused") && m.id != "consume" {
				target.Group = "" // joining takes a second
			}
			if m.target != nil {
				m.target(&target)
			}
			row := rowOf(t, run(t, target), m.id)
			if row.Outcome != m.outcome || row.Verdict != Differs {
				t.Errorf("%s: %s (%s), want %s", row.Verdict, row.Outcome, row.Detail, m.outcome)
			}
		})
	}
	for _, e := range experiments() {
		if !seen[e.id] {
			t.Errorf("experiment %s has no service at which it fails", e.id)
		}
	}
}

// Where nothing is read back the report says so, and how to look.
func TestWithoutReading(t *testing.T) {
	target := targetOf(t, start(t, sls.Options{}))
	target.Group = ""
	r := run(t, target)
	if row := rowOf(t, r, "value-null"); row.Verdict != NotSeen || row.Outcome != acknowledged {
		t.Errorf("%+v", row)
	}
	if row := rowOf(t, r, "codec-gzip"); row.Verdict != AsDocumented {
		t.Errorf("%+v", row)
	}
	if !strings.Contains(r.Look, r.Marker) {
		t.Errorf("how to look: %q", r.Look)
	}
}

// A report can be published: it names neither project nor logstore, no address and no secret, whatever was answered.
func TestReportTellsNothing(t *testing.T) {
	e := start(t, sls.Options{Behaviour: sls.Behaviour{Mechanisms: []string{"demo-project", "127.0.0.1", "demo-secret", "demo-id", "\x1b[31m|<b>`"}}})
	target := targetOf(t, e)
	target.Group = "the-group"
	target.Other = net.JoinHostPort("127.0.0.77", "1")
	target.STS = "sts-id#sts-secret#sts-token"
	r := run(t, target)
	for name, write := range map[string]func(*strings.Builder) error{
		"text": func(b *strings.Builder) error { return r.WriteText(b) }, "JSON": func(b *strings.Builder) error { return r.WriteJSON(b) },
		"Markdown": func(b *strings.Builder) error { return r.WriteMarkdown(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"demo-project", "demo-id", "demo-secret", "127.0.0", "the-group", "sts-", "\x1b", "<b>", "demo"} {
			if strings.Contains(b.String(), secret) && !(name == "JSON" && secret == "<b>" || name == "text" && secret == "<b>") {
				t.Errorf("%s has %q:\n%s", name, secret, b.String())
			}
		}
	}
}

// The document says how many experiments there are.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("Each of the %d rows is one experiment", len(experiments())); !strings.Contains(string(text), want) {
		t.Errorf("docs/tools.md does not say %q", want)
	}
}

// What an interruption cuts off is not an outcome.
func TestInterruptionIsNotAnOutcome(t *testing.T) {
	for _, at := range []string{"wrong-secret", "time-1970", "value-utf-8", "idle"} {
		target := targetOf(t, start(t, sls.Options{}))
		target.Idle = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		target.Progress = func(text string) {
			if strings.HasPrefix(text, at+":") {
				if at == "idle" {
					time.AfterFunc(200*time.Millisecond, cancel) // while it waits
				} else {
					cancel()
				}
			}
		}
		r, err := Run(ctx, target)
		if err == nil || r.Count(Differs) != 0 {
			t.Errorf("at %s: %v, %d rows differ: %+v", at, err, r.Count(Differs), r.Rows)
		}
	}
}

// A probe ends when it is told to, with what it has.
func TestInterrupted(t *testing.T) {
	target := targetOf(t, start(t, sls.Options{}))
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	target.Progress = func(string) {
		if n++; n == 10 {
			cancel()
		}
	}
	r, err := Run(ctx, target)
	if err == nil || r == nil || r.Count(NotTried) < 20 {
		t.Errorf("%v, %+v", err, r)
	}
}
