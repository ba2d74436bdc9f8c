//go:build !kafka

package kafka

import "testing"

func TestRealKafka(t *testing.T) {
	t.Skip("needs Java, Maven and Maven Central: run it with make test-kafka (go test -tags kafka ./test/kafka/)")
}
