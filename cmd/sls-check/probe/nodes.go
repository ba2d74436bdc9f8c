package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// nodes asks the endpoint, on a connection of its own, which nodes and shards there are.
func (p *prober) nodes() (*kmsg.MetadataResponse, error) {
	s, err := p.open(p.ctx, p.t.Config.Endpoints[0], p.password)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return p.metadata(s, p.topic(false))
}

// hosts connects to each node under the name that metadata has for it.
func (p *prober) hosts() result {
	meta, err := p.nodes()
	if err != nil {
		return result{outcome: inWords(err)}
	}
	own, _, _ := net.SplitHostPort(p.t.Config.Endpoints[0])
	kinds, outcome := map[string]int{}, "yes"
	for _, b := range meta.Brokers {
		kinds[relation(own, b.Host)]++
		if !p.t.Config.MayCall(b.Host) {
			outcome = "not asked: broker_hosts does not allow them"
			continue
		}
		node, err := p.dial(p.ctx, net.JoinHostPort(b.Host, fmt.Sprint(b.Port)))
		if err == nil {
			node.close()
			continue
		}
		outcome = inWords(err)
		if _, misfit := errors.AsType[x509.HostnameError](err); misfit {
			outcome = "no"
		} else if _, misfit := errors.AsType[*net.DNSError](err); misfit {
			outcome = "the names do not resolve"
		}
	}
	var detail []string
	for kind, n := range kinds {
		detail = append(detail, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(detail)
	return result{outcome: outcome, detail: strings.Join(detail, ", ")}
}

// relation says how a node's host is called, seen from the endpoint's.
func relation(endpoint, host string) string {
	_, domain, _ := strings.Cut(endpoint, ".")
	switch {
	case strings.EqualFold(endpoint, host):
		return "with the name of the endpoint"
	case net.ParseIP(host) != nil:
		return "with an address for a name"
	case domain != "" && strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(domain)):
		return "in the domain of the endpoint"
	}
	return "in another domain"
}

func (p *prober) numbered() result {
	meta, err := p.nodes()
	if err != nil {
		return result{outcome: inWords(err)}
	}
	var numbers []int32
	leaderless := 0
	for _, partition := range meta.Topics[0].Partitions {
		numbers = append(numbers, partition.Partition)
		if partition.ErrorCode != 0 || partition.Leader < 0 {
			leaderless++
		}
	}
	slices.Sort(numbers)
	detail := fmt.Sprintf("shards: %d, nodes: %d", len(numbers), len(meta.Brokers))
	for i, n := range numbers {
		if int(n) != i {
			return result{outcome: "with gaps", detail: detail}
		}
	}
	if leaderless > 0 {
		return result{outcome: "some have no leader", detail: detail}
	}
	return result{outcome: "from 0 on, each with a leader", detail: detail}
}

// idle waits for the other side to close a connection on which nothing happens.
func (p *prober) idle() result {
	if p.t.Idle == 0 {
		return result{detail: "it takes long: ask for it with -idle"}
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	s, err := p.open(ctx, p.t.Config.Endpoints[0], p.password)
	if err != nil {
		return result{outcome: inWords(err)}
	}
	defer s.close()
	began := time.Now()
	if err := s.conn.SetDeadline(began.Add(p.t.Idle)); err != nil {
		return result{outcome: inWords(err)}
	}
	_, err = s.conn.Read(make([]byte, 1))
	if words := inWords(err); words != "no answer" {
		return result{outcome: "closed", detail: fmt.Sprintf("after %v", time.Since(began).Round(time.Second))}
	}
	return result{outcome: "still open", detail: fmt.Sprintf("after %v", p.t.Idle)}
}
