//go:build kafka

package kafka

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// readLimit is how long reading a topic may take.
const readLimit = time.Minute

// landing is what stands in a topic.
type landing struct {
	times  map[int]int   // sequence number to how often it landed
	codecs map[uint8]int // Kafka's number of a codec to how many records came in it
	wrong  []error       // records that are not what was sent
	want   []byte        // room for a record
}

// duplicates is how many records landed beyond the first of their number.
func (l *landing) duplicates() (n int) {
	for _, times := range l.times {
		n += times - 1
	}
	return n
}

// read reads the topic up to its end. The end is marked by a record in every
// partition that all replicas in sync have acknowledged: what stands before it
// stays there, what is missing before it is lost.
func (p topic) read(extra func(seq int) int) *landing {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), readLimit)
	defer cancel()
	ends, err := p.mark(ctx)
	if err != nil {
		p.t.Fatalf("mark the end of %s: %v", p.name, err)
	}
	from := make(map[int32]kgo.Offset)
	for partition := range ends {
		from[partition] = kgo.NewOffset().AtStart()
	}
	client, err := kafka.adminClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.name: from}))
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	l := &landing{times: make(map[int]int), codecs: make(map[uint8]int)}
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			p.t.Fatalf("read %s: %v, before the end of partitions %v", p.name, fetches.Err(), ends)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			switch end := ends[r.Partition]; {
			case r.Offset < end:
				l.add(r, extra)
			case r.Offset == end:
				delete(ends, r.Partition)
			}
		})
	}
	return l
}

// mark writes a last record to every partition and returns their offsets.
func (p topic) mark(ctx context.Context) (ends map[int32]int64, err error) {
	client, err := kafka.adminClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var marks []*kgo.Record
	for partition := range int32(partitions) {
		marks = append(marks, &kgo.Record{Topic: p.name, Partition: partition, Value: []byte("end")})
	}
	if err := client.ProduceSync(ctx, marks...).FirstErr(); err != nil {
		return nil, err
	}
	ends = make(map[int32]int64)
	for _, m := range marks {
		ends[m.Partition] = m.Offset
	}
	return ends, nil
}

// add compares a record with what the event of its number must become.
func (l *landing) add(r *kgo.Record, extra func(seq int) int) {
	seq, err := numberOf(r.Value)
	if err != nil {
		l.wrong = append(l.wrong, err)
		return
	}
	l.times[seq]++
	l.codecs[r.Attrs.CompressionType()]++
	l.want = appendRecord(l.want[:0], seq, extra(seq))
	if !bytes.Equal(r.Value, l.want) {
		l.wrong = append(l.wrong, fmt.Errorf("record %d is %.300q, want %.300q", seq, r.Value, l.want))
	}
	if !r.Timestamp.Equal(timeOf(seq)) {
		l.wrong = append(l.wrong, fmt.Errorf("record %d has time %v, want %v", seq, r.Timestamp.UTC(), timeOf(seq)))
	}
	if r.Key != nil {
		l.wrong = append(l.wrong, fmt.Errorf("record %d has key %q, want none", seq, r.Key))
	}
}

// check reads the topic after the load, adds a row to the table and fails the
// test for each record that is not what was sent.
func (p topic) check(name string, l *load, rejected map[int]bool) verdict {
	p.t.Helper()
	seconds := l.ended.Sub(l.started).Seconds()
	landed := p.read(l.extra)
	for i, err := range landed.wrong {
		if i == 5 {
			p.t.Errorf("and %d more", len(landed.wrong)-i)
			break
		}
		p.t.Error(err)
	}
	for seq := range landed.times {
		if seq < 0 || seq >= l.sent() {
			p.t.Errorf("record %d has landed, but was never sent", seq)
		}
	}
	v := verdict{duplicates: landed.duplicates(), codecs: landed.codecs}
	for seq := range l.sent() {
		if landed.times[seq] == 0 && !rejected[seq] {
			v.lost = append(v.lost, seq)
		}
		if landed.times[seq] > 0 && rejected[seq] {
			p.t.Errorf("record %d was rejected and has landed", seq)
		}
	}
	results.add(row{name, l.sent(), len(landed.times), v.duplicates, len(rejected), len(v.lost), seconds})
	return v
}

// verdict is what became of a load.
type verdict struct {
	lost       []int // the numbers that neither landed nor were rejected
	duplicates int
	codecs     map[uint8]int
}

// complete fails the test if anything is lost.
func (v verdict) complete(t *testing.T) {
	t.Helper()
	if len(v.lost) > 0 {
		t.Errorf("%d records are lost, the first is %d", len(v.lost), v.lost[0])
	}
}

// once fails the test if anything is lost or landed twice: for where nothing
// can make the client send again what has landed.
func (v verdict) once(t *testing.T) {
	t.Helper()
	v.complete(t)
	if v.duplicates > 0 {
		t.Errorf("%d records landed more than once", v.duplicates)
	}
}
