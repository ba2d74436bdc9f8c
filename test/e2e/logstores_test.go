package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"out_sls_kafka/test/sls"
)

// troubleFor is how long logstores are in trouble in TestLogstoresInTrouble.
var troubleFor = flag.Duration("trouble", 15*time.Second, "how long logstores are in trouble")

// dummies are inputs, each with a number of records a second that name one logstore.
func dummies(logstores []string, rate int) (config string) {
	for _, name := range logstores {
		config += fmt.Sprintf("[INPUT]\n    Name dummy\n    Tag test.%s\n    Dummy {\"ns\":\"%s\",\"log\":\"GET /index.html HTTP/1.1 200 5316\"}\n    Rate %d\n", name, name, rate)
	}
	return config
}

func numbered(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%02d", prefix, i))
	}
	return names
}

// Some logstores do not exist, or refuse the AccessKey, with 2,000 records a second
// together: the others' ten a second each land at once, the log does not say that
// anything works again, and the metrics say how many are in trouble until they are well.
func TestLogstoresInTrouble(t *testing.T) {
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		for _, row := range []struct {
			name            string
			troubled, total int
			refused         bool
		}{{"one missing", 1, 2, false}, {"one refused", 1, 2, true}, {"twenty missing of forty", 20, 40, false}} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				bad, good := numbered("bad", row.troubled), numbered("good", row.total-row.troubled)
				exist := append([]string{"demo"}, good...)
				if row.refused {
					exist = append(exist, bad...)
				}
				d := &delays{}
				e := startEndpoint(t, sls.Options{Logstores: exist, DiscardLogs: true, OnLog: func(l sls.Log) {
					if strings.HasPrefix(l.Logstore, "good") {
						d.add(l)
					}
				}})
				if row.refused {
					if err := e.SetFault(sls.Fault{Name: kerr.TopicAuthorizationFailed.Message, Logstore: bad[0]}); err != nil {
						t.Fatal(err)
					}
				}
				s := newScraper(t)
				config := "[SERVICE]\n    Flush 1\n    Grace 5\n" + s.service + dummies(bad, 2000/row.troubled) + dummies(good, 10) +
					outputSection(t, e, "    logstore_key ns\n    Retry_Limit no_limits\n    Alias out")
				j := &job{process: h.start(t, config)}
				const series = `logstores_in_trouble{name="out"}`
				s.await(series, is(float64(row.troubled)))
				for end := time.Now().Add(*troubleFor); time.Now().Before(end); time.Sleep(time.Second) {
					values, err := s.scrape()
					if err != nil {
						t.Fatal(err)
					}
					if got, up := values["fluentbit_sls_kafka_"+series], values[`fluentbit_sls_kafka_up{name="out"}`]; got != float64(row.troubled) || up != 1 {
						t.Fatalf("%v logstores in trouble, up %v; want %d, 1", got, up, row.troubled)
					}
				}
				p99, n := d.of(99)
				seconds := int(troubleFor.Seconds())
				t.Logf("FIGURES %d records of logstores that are well, p99 of their delay %v", n, p99)
				least := (seconds - 2) * 9 * len(good) // the input is not exact
				if n < least || p99 > 2*time.Second {
					t.Errorf("%d records landed, at least %d should; p99 of their delay %v, at most Flush and a second", n, least, p99)
				}
				if out := j.out.String(); strings.Contains(out, "works again") || strings.Count(out, bad[0]) < 1+seconds/61 {
					t.Errorf("log:\n%s", out)
				}
				if row.refused {
					e.ClearFault(kerr.TopicAuthorizationFailed.Message)
				} else {
					for _, name := range bad {
						if err := e.CreateLogstore(name); err != nil {
							t.Fatal(err)
						}
					}
				}
				s.awaitFor(2*time.Minute, series, is(0))
				for _, name := range bad {
					j.await("logstore "+name+": delivery works again", 1, time.Minute)
				}
				s.awaitFor(2*time.Minute, `oldest_chunk_seconds{name="out"}`, func(v float64) bool { return v < 5 })
				if n, least := e.Count(bad[0]), (seconds-1)*1500/row.troubled; n < least {
					t.Errorf("%d records landed in %s after it was well, at least %d should", n, bad[0], least)
				}
				if code := j.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		}
	})
}

// unknown_logstore default and reject: what does not exist goes to the option logstore,
// or into the file, and where it is said once it exists.
func TestUnknownLogstore(t *testing.T) {
	eachFluentBitWithMetrics(t, func(t *testing.T, h host) {
		for _, policy := range []string{"default", "reject"} {
			t.Run(policy, func(t *testing.T) {
				t.Parallel()
				e := startEndpoint(t, sls.Options{Logstores: []string{"demo", "good"}, DiscardLogs: true})
				letters := filepath.Join(t.TempDir(), "letters")
				s := newScraper(t)
				config := "[SERVICE]\n    Flush 1\n    Grace 5\n" + s.service + dummies([]string{"missing", "good"}, 100) +
					outputSection(t, e, "    logstore_key ns\n    unknown_logstore "+policy+"\n    unknown_logstore_after 4s\n    dead_letter_file "+letters+"\n    Retry_Limit no_limits\n    Alias out")
				j := &job{process: h.start(t, config)}
				if policy == "default" {
					j.await("logstore missing does not exist: its records go to logstore demo", 1, 30*time.Second)
					waitLogstore(t, e, "demo", 500)
				} else {
					j.await("logstore missing does not exist: its records are rejected", 1, 30*time.Second)
					s.await(`records_rejected_total{name="out",reason="unknown_logstore"}`, atLeast(500))
					kept := s.await(`dead_letters_kept_total{name="out"}`, atLeast(500))[`fluentbit_sls_kafka_dead_letters_kept_total{name="out"}`]
					text, err := os.ReadFile(letters)
					if n := strings.Count(string(text), `"logstore":"missing"`); err != nil || n < int(kept) {
						t.Errorf("%d records of the logstore in the file, %v counted (error %v)", n, kept, err)
					}
				}
				if err := e.CreateLogstore("missing"); err != nil {
					t.Fatal(err)
				}
				j.await("logstore missing exists now: its records go there", 1, time.Minute)
				waitLogstore(t, e, "missing", 200)
				if code := j.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		}
	})
}
