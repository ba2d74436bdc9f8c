package main

import (
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// growthBytes is how many bytes of msgpack go through each row.
const growthBytes = 200 << 20

// shape is what records look like, and where they come from and go.
type shape struct {
	fields, length int // of a field's value
	shards, tags   int
	logstores      int // that the records are for, in turn
}

// logstoreField is the field that names a record's logstore.
const logstoreField = "field00"

func logstoreName(i int) string { return fmt.Sprintf("logstore-%d", i) }

// growth says how the cost of a record grows with its shape: of the whole way
// of a chunk in this process, as in the stages scenario, without compression.
func (b *bench) growth() (string, error) {
	var t table
	t.title("### Growth: CPU of the whole way, no compression, chunks of up to 2 MB")
	t.header("fields", "bytes each", "shards", "tags", "logstores", "ns a record", "ns a byte of msgpack")
	usual := shape{fields: 8, length: 10, shards: 2, tags: 1, logstores: 1}
	rows := []shape{usual}
	for _, length := range []int{1, 100, 1000} {
		s := usual
		s.length = length
		rows = append(rows, s)
	}
	for _, fields := range []int{1, 64} {
		s := usual
		s.fields = fields
		rows = append(rows, s)
	}
	for _, shards := range []int{1, 8, 64} {
		s := usual
		s.shards = shards
		rows = append(rows, s)
	}
	for _, tags := range []int{10, 100, 500} {
		s := usual
		s.tags = tags
		rows = append(rows, s)
	}
	for _, logstores := range []int{10, 100, 1000} {
		s := usual
		s.logstores = logstores
		rows = append(rows, s)
	}
	for _, s := range rows {
		// A chunk is of one tag: more tags are smaller chunks.
		chunk, n := s.chunk(2 << 20 / s.tags)
		rounds := growthBytes / len(chunk)
		cpu, err := b.wholeWay(way{chunk: chunk, rounds: rounds, tags: s.tags, shards: s.shards, logstores: s.logstores, codec: "none"})
		if err != nil {
			return "", err
		}
		records := float64(rounds * n)
		t.row(fmt.Sprint(s.fields), fmt.Sprint(s.length), fmt.Sprint(s.shards), fmt.Sprint(s.tags), fmt.Sprint(s.logstores),
			fmt.Sprintf("%.0f", float64(cpu)/records), fmt.Sprintf("%.2f", float64(cpu)/float64(rounds*len(chunk))))
	}
	return t.String(), nil
}

// chunk is about size bytes of such records, at least one.
func (s shape) chunk(size int) (chunk []byte, n int) {
	value := strings.Repeat("x", s.length)
	for ; n == 0 || len(chunk) < size; n++ {
		chunk = append(chunk, 0x92, 0x92, 0xd7, 0x00, 0x69, 0, 0, byte(n>>12), 0x0b, byte(n>>8), byte(n), 0, 0x80)
		chunk = msgp.AppendMapHeader(chunk, uint32(s.fields))
		for i := range s.fields {
			name, v := fmt.Sprintf("field%02d", i), value
			if name == logstoreField && s.logstores > 1 {
				v = logstoreName(n % s.logstores)
			}
			chunk = msgp.AppendString(msgp.AppendString(chunk, name), v)
		}
	}
	return chunk, n
}

// way is what wholeWay delivers.
type way struct {
	chunk        []byte
	rounds       int
	tags, shards int
	logstores    int    // 0: one
	codec        string // "": the default
	profile      string // file to write a CPU profile to
}

// tag is that of the nth chunk.
func (w way) tag(n int) string { return fmt.Sprintf("bench.%d", n%max(1, w.tags)) }

// flying is how many chunks are in flight: at least one of each tag, as Fluent
// Bit flushes them.
func (w way) flying() int { return max(4, w.tags) }
