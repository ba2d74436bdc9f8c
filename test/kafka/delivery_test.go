//go:build kafka

package kafka

import (
	"fmt"
	"testing"
)

// codecs are the values of compression, each at Kafka's number of the codec.
var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// TestDelivery sends with every codec and both kinds of acknowledgement, in
// the protocol spoken to SLS and in the newest the broker speaks.
func TestDelivery(t *testing.T) {
	for v, version := range []string{"2.1.0", "latest"} {
		for _, acks := range []string{"1", "all"} {
			for number, codec := range codecs {
				name := fmt.Sprintf("%s, acks %s, protocol %s", codec, acks, version)
				t.Run(name, func(t *testing.T) {
					logstore := fmt.Sprintf("delivery-%s-%s-%d", codec, acks, v)
					p := createTopic(t, logstore)
					out, h := startOutput(t, logstore, options{"compression": codec, "required_acks": acks,
						"kafka_version": version, "healthcheck": "require"})
					l := deliver(t, out, 100, usual)
					landed := p.check(name, l, nil)
					landed.once(t)
					if n := landed.codecs[uint8(number)]; n != l.sent() {
						t.Errorf("%d of %d records came in codec %s: %v", n, l.sent(), codec, landed.codecs)
					}
					h.untilLogged("logstore " + logstore + " of project " + project + " is reachable")
				})
			}
		}
	}
}
