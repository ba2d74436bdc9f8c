package plugin

import (
	"context"
	"net"
	"sync"
)

// sessions are the connections of an output's clients, where the AccessKey
// pair comes from credentials_file. SLS holds a connection to the pair it was
// made with, so after a rotation the old ones must go.
type sessions struct {
	out *Output

	mu   sync.Mutex
	open map[*session]struct{}
}

// session is one connection.
type session struct {
	net.Conn
	of          *sessions
	credentials string // what the file held just before auth read it
}

func (s *sessions) dial(ctx context.Context, network, address string) (net.Conn, error) {
	cfg := s.out.cfg
	if cfg.CredentialsFile == "" {
		return cfg.dial(ctx, network, address)
	}
	conn, err := cfg.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	credentials, _ := readCredentials(cfg.CredentialsFile) // auth, which comes next, reports what is wrong with it
	n := &session{Conn: conn, of: s, credentials: credentials}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*session]struct{})
	}
	s.open[n] = struct{}{}
	return n, nil
}

// Close ends the connection.
func (n *session) Close() error {
	n.of.mu.Lock()
	delete(n.of.open, n)
	n.of.mu.Unlock()
	return n.Conn.Close()
}

// renew closes the connections that were made with other credentials than
// the file holds now. The client makes new ones.
func (s *sessions) renew() {
	cfg := s.out.cfg
	if cfg.CredentialsFile == "" {
		return
	}
	now, err := readCredentials(cfg.CredentialsFile)
	if err != nil {
		return // auth reports it
	}
	s.mu.Lock()
	var stale []*session
	for n := range s.open {
		if n.credentials != now {
			stale = append(stale, n)
		}
	}
	s.mu.Unlock()
	for _, n := range stale {
		_ = n.Close() // it is given up
	}
	if len(stale) > 0 {
		s.out.log.Infof("credentials_file %s has changed: connecting anew with what it holds now", cfg.CredentialsFile)
	}
}
