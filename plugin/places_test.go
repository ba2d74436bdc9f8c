package plugin

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/test/sls"
)

// Names that somebody made up take the places for unknown names in turn: a logstore that
// exists, and was not asked about before, has one within a few rounds. The service is not
// asked about more than freePlaces names a second in addition to those that have places.
func TestNamesTakeTheirPlacesInTurn(t *testing.T) {
	t.Parallel()
	one := func(name string) func(int) string { return func(int) string { return name } }
	for _, row := range []struct {
		name string
		give func(f *flushes)
	}{
		{"chunks of one name", func(f *flushes) {
			for i := range 3 * maxUnknownNames {
				f.give("names", routedEvents(1, "x", one(fmt.Sprintf("name-%d", i))))
			}
		}},
		{"chunks of a thousand names", func(f *flushes) {
			for c := range 10 {
				f.give("names", routedEvents(maxUnknownNames, "x", func(i int) string { return fmt.Sprintf("name-%d-%d", c, i) }))
			}
		}},
		{"both", func(f *flushes) {
			for c := range 5 {
				f.give("names", routedEvents(maxUnknownNames, "x", func(i int) string { return fmt.Sprintf("name-%d-%d", c, i) }))
				for i := range 300 {
					f.give("names", routedEvents(1, "x", one(fmt.Sprintf("single-%d-%d", c, i))))
				}
			}
		}},
	} {
		t.Run(row.name, bubbled(func(t *testing.T, network testNetwork) {
			real := names("real", 5)
			e, o, h, f := network.startStores(t, sls.Options{Logstores: append(slices.Clone(real), "demo"), DiscardLogs: true})
			var asked atomic.Int64
			e.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				e.Cluster().KeepControl()
				asked.Add(int64(len(r.(*kmsg.MetadataRequest).Topics)))
				return nil, nil, false
			})
			row.give(f)
			time.Sleep(5 * time.Second)
			if h.count("names that SLS does not know") == 0 {
				t.Fatal("no name waits for a place")
			}
			for _, name := range real {
				f.give("real", routedEvents(10, "x", one(name)))
			}
			f.give("mixed", routedEvents(50, "x", func(i int) string { return real[i%5] }))
			begin := time.Now()
			for f.isOpen("real") || f.isOpen("mixed") {
				if time.Since(begin) > 5*time.Minute {
					t.Fatal("the records of a logstore that exists wait behind names that do not")
				}
				time.Sleep(time.Second)
			}
			took := time.Since(begin)
			t.Logf("after %v; %d names asked about", took, asked.Load())
			if took > 90*time.Second {
				t.Errorf("a logstore that exists got its place after %v", took)
			}
			asked.Store(0)
			time.Sleep(2 * time.Minute)
			if n, most := asked.Load(), int64(120*freePlaces+120/5*maxUnknownNames); n > most {
				t.Errorf("%d names asked about in two minutes, want %d at most", n, most)
			}
			if known, _ := o.logstores.names(); known > maxUnknownNames+len(real)+1 {
				t.Errorf("%d names are remembered", known)
			}
			if n := h.count(""); n > 150 {
				t.Errorf("%d lines", n)
			}
			o.stop()
			f.wg.Wait()
		}))
	}
}

// So do names that SLS refuses to speak of, as it may do with those that do not exist.
func TestRefusedNamesTakeTheirPlacesInTurn(t *testing.T) {
	t.Parallel()
	one := func(name string) func(int) string { return func(int) string { return name } }
	for _, policy := range []string{"wait", "reject"} {
		t.Run(policy, bubbled(func(t *testing.T, network testNetwork) {
			real := names("real", 5)
			_, o, _, f := network.startStores(t, sls.Options{Logstores: append(slices.Clone(real), "demo"), DiscardLogs: true,
				Behaviour: sls.Behaviour{MissingLogstore: kerr.TopicAuthorizationFailed}},
				"unknown_logstore", policy, "dead_letter_file", t.TempDir()+"/letters")
			for i := range 3 * maxUnknownNames {
				f.give("names", routedEvents(1, "x", one(fmt.Sprintf("name-%d", i))))
			}
			time.Sleep(5 * time.Second)
			for _, name := range real {
				f.give("real", routedEvents(10, "x", one(name)))
			}
			begin := time.Now()
			for f.isOpen("real") {
				if time.Since(begin) > 5*time.Minute {
					t.Error("the records of a logstore that exists wait behind names that are refused")
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(begin); took > 90*time.Second {
				t.Errorf("a logstore that exists got its place after %v", took)
			}
			o.stop()
			f.wg.Wait()
		}))
	}
}

func (f *flushes) isOpen(name string) bool {
	_, _, waiting := f.longest(name)
	return waiting > 0
}
