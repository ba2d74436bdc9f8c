package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// span is a range of versions.
type span struct{ from, to int16 }

// prober runs the experiments on one endpoint.
type prober struct {
	ctx            context.Context
	t              Target
	user, password string
	mark           string // stands in every record

	api       map[int16]span // what the endpoint advertises
	ids       map[string][16]byte
	shards    []int32
	leaders   map[string]map[int32]string // address of the node that takes writes, by topic and shard
	sessions  map[string]*session         // connections that writes go over, by address
	overQuota *bool                       // the last write was refused for a quota, again and again; of all copies of the prober
	reader    *reader                     // nil where nothing is read back
	readable  result                      // what became of reading
}

// experiment is one question. ask is set, or sample.
type experiment struct {
	id, part, asks    string
	documented, local string
	ask               func(p *prober) result
	sample            func(p *prober) sample
	after             bool // asked when everything else has been read back
}

// Run asks everything. Its error is that of an endpoint which nothing can be asked; a report comes with it where some
// questions have answers.
func Run(ctx context.Context, t Target) (*Report, error) {
	user, password, err := t.Config.Credentials()
	if err != nil {
		return nil, err
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id) // never fails
	p := &prober{ctx: ctx, t: t, user: user, password: password, mark: "probe-" + hex.EncodeToString(id), api: map[int16]span{}, ids: map[string][16]byte{},
		leaders: map[string]map[int32]string{}, sessions: map[string]*session{}, overQuota: new(bool)}
	defer p.dropWriters()
	report := &Report{Date: t.Now().UTC().Format(time.RFC3339), Marker: p.mark}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	all := experiments()
	for _, e := range all {
		report.Rows = append(report.Rows, Row{ID: e.id, Part: e.part, Asks: e.asks, Documented: e.documented, Local: e.local})
	}
	p.connections(all, report)
	p.samples(all, report)
	p.late(all, report)
	if p.reader == nil {
		report.Look = "Nothing was read back. In the console of SLS search the logstore for " + p.mark + ", and note what became of each record that this report calls \"" + string(NotSeen) + "\": whether it is there, its fields and its time."
	}
	p.anonymise(report)
	return report, ctx.Err()
}

// experiments are all, in the order of the report.
func experiments() []experiment {
	var all []experiment
	for _, part := range [][]experiment{connectionExperiments(), writeExperiments(), sizeExperiments(), timeExperiments(), valueExperiments(), readExperiments()} {
		all = append(all, part...)
	}
	return all
}

// maxShards is how many shards are written to at most.
const maxShards = 64

// prepare finds out what all experiments need: versions, shards, the node that takes writes.
func (p *prober) prepare() error {
	s, err := p.open(p.ctx, p.t.Config.Endpoints[0], p.password)
	if err != nil {
		return fmt.Errorf("connect: %s", inWords(err)) // the error itself may name the project
	}
	defer s.close()
	if err := p.askVersions(s); err != nil {
		return fmt.Errorf("ApiVersions: %s", inWords(err))
	}
	meta, err := p.metadata(s, p.topic(false), p.topic(true))
	if err != nil {
		return fmt.Errorf("Metadata: %s", inWords(err))
	}
	nodes := map[int32]string{}
	for _, b := range meta.Brokers {
		nodes[b.NodeID] = net.JoinHostPort(b.Host, fmt.Sprint(b.Port))
	}
	for _, topic := range meta.Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return fmt.Errorf("the logstore: %s", inWords(err))
		}
		p.ids[*topic.Topic] = topic.TopicID
		p.leaders[*topic.Topic] = map[int32]string{}
		for _, partition := range topic.Partitions {
			p.leaders[*topic.Topic][partition.Partition] = nodes[partition.Leader]
		}
	}
	for _, partition := range meta.Topics[0].Partitions {
		p.shards = append(p.shards, partition.Partition)
	}
	if len(p.shards) > maxShards {
		p.shards = p.shards[:maxShards]
	}
	if len(p.shards) == 0 {
		return errors.New("the logstore has no shards")
	}
	return nil
}

// leader is the address of the node that takes writes to a shard.
func (p *prober) leader(json bool, shard int32) string {
	return cmp.Or(p.leaders[p.topic(json)][shard], p.t.Config.Endpoints[0])
}

// writer is a connection to a node.
func (p *prober) writer(address string) (*session, error) {
	if s := p.sessions[address]; s != nil {
		return s, nil
	}
	s, err := p.open(p.ctx, address, p.password)
	if err != nil && address != p.t.Config.Endpoints[0] { // metadata may name what cannot be reached
		s, err = p.open(p.ctx, p.t.Config.Endpoints[0], p.password)
	}
	if err == nil {
		p.sessions[address] = s
	}
	return s, err
}

func (p *prober) dropWriters() {
	for _, s := range p.sessions {
		s.close()
	}
	clear(p.sessions)
}

func (p *prober) topic(json bool) string {
	if json {
		return p.t.Config.Logstore + ".json"
	}
	return p.t.Config.Logstore
}

// newest is the newest version of a request that the endpoint advertises and we know.
func (p *prober) newest(key kmsg.Key, known int16) int16 {
	if s, ok := p.api[key.Int16()]; ok {
		return min(s.to, known)
	}
	return min(known, 1)
}

// askVersions asks with the oldest version, which every broker answers.
func (p *prober) askVersions(s *session) error {
	resp, err := s.request(kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return err
	}
	answer := resp.(*kmsg.ApiVersionsResponse)
	for _, k := range answer.ApiKeys {
		p.api[k.ApiKey] = span{k.MinVersion, k.MaxVersion}
	}
	return kerr.ErrorForCode(answer.ErrorCode)
}

// metadata asks for topics.
func (p *prober) metadata(s *session, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = p.newest(kmsg.Metadata, req.MaxVersion())
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := s.request(req)
	if err != nil {
		return nil, err
	}
	answer := resp.(*kmsg.MetadataResponse)
	if len(answer.Topics) != len(topics) {
		return nil, errNonsense
	}
	for i := range answer.Topics {
		if answer.Topics[i].Topic == nil {
			return nil, errNonsense
		}
	}
	return answer, nil
}

// sleep waits, not beyond the end of the context.
func (p *prober) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

func (p *prober) progress(e experiment) {
	if p.t.Progress != nil {
		p.t.Progress(e.id + ": " + e.asks)
	}
}

// each calls f for the experiments that fit, until the context ends.
func (p *prober) each(all []experiment, report *Report, fits func(experiment) bool, f func(e experiment, row *Row)) {
	for i, e := range all {
		switch {
		case !fits(e):
		case p.ctx.Err() != nil:
			report.Rows[i].take(result{detail: "interrupted"})
		default:
			p.progress(e)
			f(e, &report.Rows[i])
			if p.ctx.Err() != nil { // its connections were cut, which is not an outcome
				report.Rows[i].take(result{detail: "interrupted"})
			}
		}
	}
}

func (p *prober) connections(all []experiment, report *Report) {
	p.each(all, report, func(e experiment) bool { return e.ask != nil && !e.after }, func(e experiment, row *Row) { row.take(e.ask(p)) })
}

func (p *prober) late(all []experiment, report *Report) {
	p.each(all, report, func(e experiment) bool { return e.ask != nil && e.after }, func(e experiment, row *Row) { row.take(e.ask(p)) })
}
