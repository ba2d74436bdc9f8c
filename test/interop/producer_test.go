//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/sls"
)

// documented is the nth configuration of Alibaba's page for an example.
func documented(t *testing.T, section string, n int) string {
	t.Helper()
	all := slices.DeleteFunc(blocks(t), func(b block) bool { return b.section != section || b.ours() })
	if n >= len(all) {
		t.Fatalf("%q has %d configurations of Alibaba's page", section, len(all))
	}
	return all[n].text
}

const sent = 3

// lines are the records a producer is given.
func lines() []string {
	var all []string
	for i := range sent {
		all = append(all, fmt.Sprintf(`{"msg":"Hello World %d","n":%d,"ok":true,"nested":{"a":[1,"ü"]}}`, i+1, i+1))
	}
	return all
}

// eventTime is the time of records that carry their own.
var eventTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// producer starts a program that sends the lines of its standard input to a topic, and ends with 0 where all were
// acknowledged. Where at is not zero the records have that time.
type producer func(s *service, topic string, at time.Time) *process

// limit is how long a client may take to deliver; the machine may be busy building another one.
const limit = time.Minute

// produce lets a producer write to both topics of a logstore, and with a wrong secret.
func produce(t *testing.T, r *row, timed bool, p producer) {
	t.Run("content", func(t *testing.T) {
		s := startService(t)
		program := p(s, logstore, time.Time{})
		program.feed(lines()...)
		program.wantExit(limit)
		contents := map[string]bool{}
		for _, log := range s.await(sent, time.Second) {
			wantContent(t, log)
			s.wantTime(log, time.Time{})
			contents[string(log.Value)] = true
		}
		for _, line := range lines() {
			if !contents[line] {
				t.Errorf("%s did not land", line)
			}
		}
		wantCount(s, sent)
	})
	t.Run("json", func(t *testing.T) {
		s := startService(t)
		at := eventTime
		if !timed {
			at = time.Time{}
		}
		program := p(s, logstore+".json", at)
		program.feed(lines()...)
		program.wantExit(limit)
		for i, log := range byField(t, s.await(sent, time.Second), "n") {
			n := fmt.Sprint(i + 1)
			wantFields(t, log, map[string]string{"msg": "Hello World " + n, "n": n, "ok": "true", "nested": `{"a":[1,"ü"]}`})
			s.wantTime(log, at)
		}
		wantCount(s, sent)
	})
	t.Run("wrong secret", func(t *testing.T) {
		s := startService(t)
		s.SetCredentials(project, accessKeyID, "another")
		program := p(s, logstore, time.Time{})
		program.feed(lines()...)
		select {
		case <-program.done:
		case <-time.After(2 * limit):
			t.Fatal("still runs")
		}
		if code := program.cmd.ProcessState.ExitCode(); code == 0 {
			t.Error("exit code 0")
		}
		said := strings.ToLower(program.out.String())
		if !strings.Contains(said, "authorization failed") && !strings.Contains(said, "topicauthorizationexception") {
			t.Errorf("no word of the authorisation:\n%s", program.out.tail(20))
		}
		wantCount(s, 0)
	})
	r.result = "works: content, .json, own time; a wrong secret is reported"
	if !timed {
		r.result = "works: content, .json; a wrong secret is reported"
	}
}

func wantCount(s *service, n int) {
	s.t.Helper()
	if got := s.Count(logstore); got != n {
		s.t.Errorf("%d logs landed, want %d", got, n)
	}
}

// byField sorts logs by the value of a field.
func byField(t *testing.T, logs []sls.Log, key string) []sls.Log {
	t.Helper()
	slices.SortFunc(logs, func(a, b sls.Log) int {
		return strings.Compare(fieldsOf(t, a)[key], fieldsOf(t, b)[key])
	})
	return logs
}

// arguments are a producer program's: the file of properties, the topic, the time in milliseconds.
func arguments(file, topic string, at time.Time) []string {
	args := []string{file, topic}
	if !at.IsZero() {
		args = append(args, fmt.Sprint(at.UnixMilli()))
	}
	return args
}

// wordAfter finds the word that follows label in a program's output, for its version.
func wordAfter(text, label string) string {
	_, after, ok := strings.Cut(text, label)
	words := strings.FieldsFunc(after, func(r rune) bool { return strings.ContainsRune(" \t\n,;()", r) })
	if !ok || len(words) == 0 {
		return "?"
	}
	return words[0]
}
