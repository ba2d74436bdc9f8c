//go:build kafka

package kafka

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
)

// What a broker logs of a partition it follows: where its own log ended when
// it became a follower, and where it cut that log off because the leader's
// went another way.
var (
	follows   = regexp.MustCompile(`Follower (\S+) starts at leader epoch \d+ from offset (\d+) `)
	truncates = regexp.MustCompile(`Truncating partition (\S+) with TruncationState\(offset=(\d+),`)
)

// truncated is how many records of the topic the brokers say they cut off.
// Those were acknowledged by a leader, if by anybody, and by no leader after
// it: with required_acks 1 Kafka may lose them. Brokers that cut a partition
// off at the same place had the same records.
func (p topic) truncated() (records int) {
	p.t.Helper()
	type place struct{ partition, offset string }
	cuts := make(map[place]int)
	for _, b := range kafka.brokers {
		log, err := os.ReadFile(b.path("log"))
		if err != nil {
			p.t.Fatal(err)
		}
		ends := make(map[string]int)
		for _, line := range bytes.Split(log, []byte("\n")) {
			if !bytes.Contains(line, []byte(p.name+"-")) {
				continue
			}
			if m := follows.FindSubmatch(line); m != nil {
				ends[string(m[1])], _ = strconv.Atoi(string(m[2]))
			}
			if m := truncates.FindSubmatch(line); m != nil {
				at := place{string(m[1]), string(m[2])}
				offset, _ := strconv.Atoi(at.offset)
				cuts[at] = max(cuts[at], ends[at.partition]-offset)
			}
		}
	}
	for _, n := range cuts {
		records += n
	}
	return records
}
