package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	denied  = "refused: TOPIC_AUTHORIZATION_FAILED" // what the page's table of errors has for a wrong AccessKey
	unknown = "refused: UNKNOWN_TOPIC_OR_PARTITION" // and for a missing logstore or another region
)

func connectionExperiments() []experiment {
	const part = "connection"
	return []experiment{
		{id: "api-versions", part: part, asks: "which requests are advertised", documented: "Kafka 2.1", local: "Kafka 2.1", ask: (*prober).advertised},
		{id: "api-versions-newest", part: part, asks: "a newer ApiVersions than Kafka 2.1 has", local: "refused: UNSUPPORTED_VERSION", ask: (*prober).newApiVersions},
		{id: "metadata-versions", part: part, asks: "each advertised version of Metadata", local: "all answered", ask: (*prober).metadataVersions},
		{id: "idempotence", part: part, asks: "whether InitProducerID is advertised", local: "no", ask: (*prober).idempotence},
		{id: "sasl-1", part: part, asks: "SaslHandshake version 1, then SaslAuthenticate", local: "accepted", ask: func(p *prober) result { return p.handshake(1) }},
		{id: "sasl-0", part: part, asks: "SaslHandshake version 0, then the bare token", local: "accepted", ask: func(p *prober) result { return p.handshake(0) }},
		{id: "mechanisms", part: part, asks: "which SASL mechanisms there are", documented: "PLAIN", local: "PLAIN", ask: (*prober).mechanisms},
		{id: "wrong-secret", part: part, asks: "a wrong AccessKey secret", documented: denied, local: denied, ask: func(p *prober) result { return p.wrong(p.user, p.password+"x") }},
		{id: "wrong-project", part: part, asks: "another project as the user", local: denied, ask: func(p *prober) result { return p.wrong(p.user+"-x", p.password) }},
		{id: "sts", part: part, asks: "a temporary pair, AccessKeyID#AccessKeySecret#SecurityToken", local: denied, ask: (*prober).sts},
		{id: "missing-logstore", part: part, asks: "metadata of a logstore that does not exist", documented: unknown, local: unknown, ask: (*prober).missing},
		{id: "other-region", part: part, asks: "the project at an endpoint of another region", documented: unknown, local: unknown, ask: (*prober).otherRegion},
		{id: "hosts", part: part, asks: "whether the certificate is for the host names in metadata", local: "yes", ask: (*prober).hosts},
		{id: "shards", part: part, asks: "how shards are numbered", local: "from 0 on, each with a leader", ask: (*prober).numbered},
		{id: "idle", part: part, asks: "after how long an idle connection is closed", local: "still open", ask: (*prober).idle, after: true},
	}
}

// advertised names the requests of Kafka 2.1 that the endpoint lacks.
func (p *prober) advertised() result {
	var lacks, list []string
	for _, want := range []struct {
		key      kmsg.Key
		from, to int16
	}{{kmsg.Produce, 3, 7}, {kmsg.Metadata, 1, 7}, {kmsg.ApiVersions, 0, 2}} {
		if s, ok := p.api[want.key.Int16()]; !ok || s.from > want.from || s.to < want.to {
			lacks = append(lacks, fmt.Sprintf("%s %d to %d", want.key.Name(), want.from, want.to))
		}
	}
	for key := range int16(100) {
		if s, ok := p.api[key]; ok {
			list = append(list, fmt.Sprintf("%s %d-%d", kmsg.NameForKey(key), s.from, s.to))
		}
	}
	if len(lacks) > 0 {
		return result{outcome: "lacks " + strings.Join(lacks, ", "), detail: strings.Join(list, ", ")}
	}
	return result{outcome: "Kafka 2.1", detail: strings.Join(list, ", ")}
}

// newApiVersions asks as today's clients do first.
func (p *prober) newApiVersions() result {
	s, err := p.dial(p.ctx, p.t.Config.Endpoints[0])
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, "sls-check", "1"
	// A broker that does not know the version answers in version 0.
	resp, err := s.request(&anyApiVersions{req})
	if err == nil {
		err = kerr.ErrorForCode(resp.(*anyAnswer).ErrorCode)
	}
	return result{outcome: inWords(err)}
}

// anyApiVersions is an ApiVersions request whose answer is read as version 0: its error comes first in every version.
type anyApiVersions struct{ *kmsg.ApiVersionsRequest }

func (*anyApiVersions) ResponseKind() kmsg.Response { return &anyAnswer{} }

type anyAnswer struct{ kmsg.ApiVersionsResponse }

func (*anyAnswer) IsFlexible() bool { return false }

func (a *anyAnswer) ReadFrom(b []byte) error {
	if len(b) < 2 {
		return errNonsense
	}
	a.ErrorCode = int16(b[0])<<8 | int16(b[1])
	return nil
}

func (p *prober) metadataVersions() result {
	s, ok := p.api[kmsg.Metadata.Int16()]
	if !ok {
		return result{outcome: "not advertised"}
	}
	var failed []string
	most := min(s.to, (&kmsg.MetadataRequest{}).MaxVersion())
	for v := max(s.from, 1); v <= most; v++ {
		if err := p.metadataIn(v); err != nil {
			failed = append(failed, fmt.Sprintf("%d %s", v, inWords(err)))
		}
	}
	detail := fmt.Sprintf("versions %d to %d", s.from, s.to)
	if len(failed) > 0 {
		return result{outcome: "not answered: " + strings.Join(failed, ", "), detail: detail}
	}
	return result{outcome: "all answered", detail: detail}
}

func (p *prober) metadataIn(version int16) error {
	s, err := p.open(p.ctx, p.t.Config.Endpoints[0], p.password)
	if err != nil {
		return err
	}
	defer s.close()
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(p.topic(false))
	req.Version, req.Topics = version, append(req.Topics, topic)
	resp, err := s.request(req)
	if err != nil {
		return err
	}
	if topics := resp.(*kmsg.MetadataResponse).Topics; len(topics) == 1 {
		return kerr.ErrorForCode(topics[0].ErrorCode)
	}
	return errNonsense
}

func (p *prober) idempotence() result {
	if s, ok := p.api[kmsg.InitProducerID.Int16()]; ok {
		return result{outcome: "yes", detail: fmt.Sprintf("versions %d to %d", s.from, s.to)}
	}
	return result{outcome: "no"}
}

func (p *prober) handshake(version int16) result {
	s, err := p.dial(p.ctx, p.t.Config.Endpoints[0])
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	return result{outcome: inWords(s.authenticate(version, p.user, p.password))}
}

func (p *prober) mechanisms() result {
	s, err := p.dial(p.ctx, p.t.Config.Endpoints[0])
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Version, req.Mechanism = 1, "ASK-FOR-THE-LIST"
	resp, err := s.request(req)
	if err != nil {
		return result{outcome: inWords(err)}
	}
	named := resp.(*kmsg.SASLHandshakeResponse).SupportedMechanisms
	slices.Sort(named)
	return result{outcome: printable(strings.Join(named, ", "))}
}

// wrong authenticates with what is not right, and asks for the logstore where that passes.
func (p *prober) wrong(user, password string) result {
	s, err := p.dial(p.ctx, p.t.Config.Endpoints[0])
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	if err := s.authenticate(1, user, password); err != nil {
		return result{outcome: inWords(err), detail: "at SASL"}
	}
	return result{outcome: inWords(p.logstoreError(s, p.topic(false))), detail: "SASL passes; metadata answers"}
}

// logstoreError asks for a topic's metadata.
func (p *prober) logstoreError(s *session, topic string) error {
	meta, err := p.metadata(s, topic)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(meta.Topics[0].ErrorCode)
}

func (p *prober) sts() result {
	if p.t.STS == "" {
		return result{detail: "no temporary pair was given"}
	}
	return p.wrong(p.user, string(p.t.STS))
}

func (p *prober) missing() result {
	s, err := p.open(p.ctx, p.t.Config.Endpoints[0], p.password)
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	return result{outcome: inWords(p.logstoreError(s, "sls-check-"+p.mark))}
}

func (p *prober) otherRegion() result {
	if p.t.Other == "" {
		return result{detail: "no endpoint of another region was given"}
	}
	s, err := p.open(p.ctx, p.t.Other, p.password)
	if err != nil {
		return result{outcome: inWords(err), detail: "at SASL or before"}
	}
	defer s.close()
	return result{outcome: inWords(p.logstoreError(s, p.topic(false)))}
}
