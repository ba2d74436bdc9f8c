package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"out_sls_kafka/plugin/config"
	"out_sls_kafka/plugin/connect"
)

// landed is a record as a consumer gets it.
type landed struct {
	shard      int32
	key, value []byte
	at         time.Time
}

func (l landed) holds(mark string) bool { return holds(l.value, mark) || holds(l.key, mark) }

// holds reports whether a text has the mark, and not a longer one of another experiment.
func holds(text []byte, mark string) bool {
	for rest := text; ; {
		i := bytes.Index(rest, []byte(mark))
		if i < 0 {
			return false
		}
		rest = rest[i+len(mark):]
		if len(rest) == 0 || rest[0] != '-' && !unicode.IsLetter(rune(rest[0])) && !unicode.IsDigit(rune(rest[0])) {
			return true
		}
	}
}

func readExperiments() []experiment {
	const part = "reading and load"
	return []experiment{
		{id: "consume", part: part, asks: "reading in a consumer group", local: "a group reads what lands", ask: func(p *prober) result { return p.readable }, after: true},
		{id: "load", part: part, asks: "writing to one shard as fast as it goes", local: "no limit met", ask: (*prober).load, after: true},
	}
}

// reader reads the logstore in a consumer group.
type reader struct {
	client *kgo.Client
	read   []landed
}

// startReading joins the group and returns when the first record of each shard has come: what is written from then on
// will be read. SLS has no other way to read over Kafka, and documents no way to ask where a group stands.
func (p *prober) startReading() {
	if p.t.Group == "" {
		p.readable = result{detail: "no group was given with -group"}
		return
	}
	opts, err := connect.ProbeOptions(p.t.Config)
	if err != nil {
		p.readable = result{outcome: "failed", detail: "the client's options"}
		return
	}
	// One fetch brings back the largest record, which a producer's answers never hold.
	const most = 4 * config.MaxMessageBytes
	client, err := kgo.NewClient(append(opts, kgo.BrokerMaxReadBytes(2*most), kgo.FetchMaxBytes(most), kgo.FetchMaxPartitionBytes(most), kgo.ConsumerGroup(p.t.Group), kgo.ConsumeTopics(p.topic(false)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500*time.Millisecond))...)
	if err != nil {
		p.readable = result{outcome: "failed", detail: "the client's options"}
		return
	}
	r := &reader{client: client}
	if err := p.untilMarked(r, "begin", true); err != nil {
		client.Close()
		p.readable = result{outcome: inWords(err)}
		if errors.Is(err, context.DeadlineExceeded) {
			p.readable = result{outcome: "nothing came", detail: fmt.Sprintf("in %v", p.t.Wait)}
		}
		return
	}
	p.reader, p.readable = r, result{outcome: "a group reads what lands"}
}

// finishReading returns what landed, all of it.
func (p *prober) finishReading() []landed {
	if p.reader == nil {
		return nil
	}
	defer p.reader.client.Close()
	if err := p.untilMarked(p.reader, "end", false); err != nil {
		p.readable = result{outcome: "the end was not read: " + inWords(err)}
	}
	return p.reader.read
}

// untilMarked writes a record to each shard and reads until all have come. While the group is being joined it writes them
// again and again, since its first record is the next one to land.
func (p *prober) untilMarked(r *reader, name string, repeat bool) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.t.Wait)
	defer cancel()
	mark := p.mark + "." + name
	left := slices.Clone(p.shards)
	for first := true; len(left) > 0; first = false {
		if first || repeat {
			if err := p.markShards(mark, left); err != nil {
				return err
			}
		}
		poll, stop := context.WithTimeout(ctx, time.Second)
		fetches := r.client.PollFetches(poll)
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			if fault, ok := errors.AsType[*kerr.Error](e.Err); ok && !fault.Retriable {
				return fault
			}
		}
		fetches.EachRecord(func(k *kgo.Record) {
			l := landed{k.Partition, k.Key, k.Value, k.Timestamp}
			r.read = append(r.read, l)
			if l.holds(mark) {
				left = slices.DeleteFunc(left, func(shard int32) bool { return shard == l.shard })
			}
		})
	}
	return nil
}

func (p *prober) markShards(mark string, shards []int32) error {
	for _, shard := range shards {
		w := p.one(false, record{value: []byte(mark)})
		w.batches[0].shard = shard
		got, err := p.produce(w)
		if err == nil {
			err = got.first()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Bounds of what is shown of a field.
const (
	longestShown = 64
	mostShown    = 8
)

// fields say which fields a log has, in their order, without the mark's own. The consumer side of SLS gives a log of
// the field content as its key and value, any other as a JSON object of texts.
func (p *prober) fields(all []landed) string {
	l := all[0]
	if string(l.key) == "content" {
		return "content=" + p.shown(string(l.value))
	}
	var texts []string
	dec := json.NewDecoder(bytes.NewReader(l.value))
	if begin, err := dec.Token(); err != nil || begin != json.Delim('{') {
		return "a value without a key: " + p.shown(string(l.value))
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return "a value without a key that is not JSON"
		}
		if text := p.field(name.(string), value); text != "" {
			texts = append(texts, text)
		}
	}
	switch {
	case len(texts) == 0:
		return "no fields"
	case len(texts) > mostShown:
		return fmt.Sprintf("%d fields", len(texts))
	}
	return strings.Join(texts, ", ")
}

// field says what a field is, "" for the mark's own.
func (p *prober) field(name string, value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = "JSON " + string(value)
	}
	switch {
	case name == "probe" && text == p.mark:
		return ""
	case strings.HasPrefix(name, "__") && text != "PROBE": // of the service's own: an address, say
		return p.shown(name) + "=(of the service)"
	}
	return p.shown(name) + "=" + p.shown(text)
}

// shown is a text as the report has it.
func (p *prober) shown(text string) string {
	text = strings.ReplaceAll(text, p.mark, "MARK")
	if len(text) > longestShown {
		return fmt.Sprintf("(%d bytes)", len(text))
	}
	return printable(text)
}

// printable is a text of one line that cannot command a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
