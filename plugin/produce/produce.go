// Package produce brings records to the partitions of Kafka topics: it batches
// them, compresses the batches, sends them in requests, and tells the owner of
// each record what became of it. It knows neither Fluent Bit nor SLS.
package produce

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is one record. Add copies its bytes.
type Record struct {
	Owner  Owner // one for all records of a topic in a call of Add
	Topic  string
	Key    []byte // nil: none
	Value  []byte
	Millis int64 // since 1970, not negative
}

// Owner learns what became of its records: each ends in exactly one of these
// calls, from any goroutine, never with a lock of the producer held.
type Owner interface {
	// Acked: the broker acknowledged n of the owner's records, which took that many
	// bytes ([RecordBytes]).
	Acked(n int, bytes int64)
	// Rejected: the broker refused the record in a batch of its own, or would
	// ([ErrNotSent]). The record is valid during the call.
	Rejected(r Record, err error)
	// Held: the broker refuses one of the owner's records alone, and it is not yet
	// shown that this is the record's fault. It is sent again. Called at most once
	// or twice a record.
	Held(topic string, err error)
	// Released: the producer gives n records up, because it is closed or has failed
	// internally. They may have reached the broker all the same.
	Released(n int)
}

// Observer sees every event with its topic: health, counters and log lines are
// made of it. Its methods are called from any goroutine, without a lock of the
// producer held but for Panicked.
type Observer interface {
	// Acked: n records of the topic arrived; bytes are those of their values.
	Acked(topic string, n int, bytes int64)
	// Found: the broker knows the topic. Called for the first answer about it, and for
	// the first after others.
	Found(topic string)
	// Failed: a batch of the topic, or what is asked about it, failed. topic is ""
	// if there was no answer: then it is not about the topic.
	Failed(topic string, err error)
	// RejectsWait tells whether the owners of refused records have no room for more of
	// them now: they hear of those by [Producer.TellRejected], which this must not call.
	RejectsWait() bool
	// Retried: n records are sent once more.
	Retried(n int)
	// Panicked: something is wrong with the producer itself. It must not block.
	Panicked(cause any)
}

// Cluster is Kafka as the producer needs it; a fake of it needs no TLS and no
// port.
type Cluster interface {
	// Produce sends a request to a broker. An error is that no answer came.
	Produce(ctx context.Context, broker int32, r *kmsg.ProduceRequest) (*kmsg.ProduceResponse, error)
	// Metadata asks for the partitions of topics. The answer is tidy: see [Tidy].
	Metadata(ctx context.Context, topics []string) (*kmsg.MetadataResponse, error)
}

// Partitioner says how records are spread over the partitions of a topic.
type Partitioner uint8

// The kinds of [Partitioner].
const (
	Uniform    Partitioner = iota // a batch to one partition, the next to the least loaded
	RoundRobin                    // every record to the next partition
	KeyHash                       // by the record's key, as Kafka's own clients do; uniform without one
)

// Options are what a producer is made with. All sizes are bytes and must be
// positive.
type Options struct {
	Partitioner     Partitioner
	Compression     string // none, gzip, snappy, lz4 or zstd
	Level           int    // of the compression; negative: the fast one
	Acks            int16  // 1: the leader's, -1: of all replicas in sync
	MaxBatchBytes   int    // uncompressed; the largest record must fit
	MaxRequestBytes int    // of the batches of one request
	Linger          time.Duration
	Timeout         time.Duration           // how long a broker may work on a request
	Backoff         func(int) time.Duration // the wait after n failures in a row
	// HeldUpBytes is how many bytes of records wait for those partitions of a topic that fail
	// while others take batches, if they belong there by their key; 0: any number.
	HeldUpBytes int64
}
