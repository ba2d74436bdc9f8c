package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"out_sls_kafka/test/sls"
)

// shown is how many logs are printed in full.
const shown = 12

// show prints logs as they land.
type show struct {
	mu    sync.Mutex
	seen  int
	total int
}

func newShow(total int) *show { return &show{total: total} }

func (s *show) log(l sls.Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if s.seen > shown {
		return
	}
	var fields strings.Builder
	for _, f := range l.Fields() {
		fmt.Fprintf(&fields, "  %s: %s", f.Key, f.Value)
	}
	fmt.Printf("logstore %s shard %d  __time__: %d%s\n", l.Logstore, l.Shard, l.Time.Unix(), fields.String())
}

func (s *show) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if more := s.seen - shown; more > 0 {
		fmt.Printf("… and %d more\n", more)
	}
}

// summary compares what was in the file with what is in the logstore.
type summary struct{ sent, landed, duplicates, foreign, rejected int }

func (s summary) String() string {
	return fmt.Sprintf("sent %d, landed %d, duplicates %d, rejected %d", s.sent, s.landed, s.duplicates, s.rejected)
}

func (s summary) check() error {
	if s.landed != s.sent || s.foreign != 0 {
		return fmt.Errorf("of %d lines %d landed, and %d logs are of no line", s.sent, s.landed, s.foreign)
	}
	return nil
}

var rejected = regexp.MustCompile(`(\d+) rejected, \d+ sent again`)

// summarise counts line by line: equal lines count as often as they stand in
// the file.
func summarise(lines []string, logs []sls.Log, output string) summary {
	want := make(map[string]int, len(lines))
	for _, line := range lines {
		want[line]++
	}
	s := summary{sent: len(lines)}
	got := make(map[string]int, len(want))
	for _, l := range logs {
		for _, f := range l.Fields() {
			if f.Key != "log" {
				continue
			}
			got[f.Value]++
			switch {
			case want[f.Value] == 0:
				s.foreign++
			case got[f.Value] <= want[f.Value]:
				s.landed++
			default:
				s.duplicates++
			}
		}
	}
	if m := rejected.FindStringSubmatch(output); m != nil {
		s.rejected, _ = strconv.Atoi(m[1])
	}
	return s
}
