package connect

import (
	"context"
	"net"
	"sync"

	"out_sls_kafka/plugin/config"
)

// Sessions are the connections of a Kafka client whose AccessKey pair is in
// credentials_file. After a rotation SLS refuses the old pair also on connections
// that are open, so these must be closed. Without credentials_file no connection is
// tracked.
type Sessions struct {
	cfg *config.Config
	// Outside is called with each host outside of the endpoints' domain that a connection
	// was made to; nil: nobody wants to know.
	Outside func(host string)

	mu   sync.Mutex
	open map[*session]struct{}
}

// session is one connection.
type session struct {
	net.Conn
	sessions    *Sessions
	credentials string // in the file just before saslAuth read it
}

// NewSessions returns the connections, none yet, of a client whose dialer is
// [Sessions.Dial].
func NewSessions(c *config.Config) *Sessions { return &Sessions{cfg: c} }

// Dial connects as [TLS] does. It is a [kgo.Dialer].
func (s *Sessions) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := TLS(ctx, s.cfg, address)
	if host, _, _ := net.SplitHostPort(address); err == nil && s.Outside != nil && s.cfg.IsOutside(host) {
		s.Outside(host)
	}
	if err != nil || s.cfg.CredentialsFile == "" {
		return conn, err
	}
	credentials, _ := config.ReadCredentials(s.cfg.CredentialsFile) // saslAuth, which comes next, reports the error
	opened := &session{Conn: conn, sessions: s, credentials: credentials}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*session]struct{})
	}
	s.open[opened] = struct{}{}
	return opened, nil
}

// Close closes the connection.
func (s *session) Close() error {
	s.sessions.mu.Lock()
	delete(s.sessions.open, s)
	s.sessions.mu.Unlock()
	return s.Conn.Close()
}

// CloseStale closes the connections that were made with other credentials than those
// in the file now, and tells whether there were any. The client makes new ones.
func (s *Sessions) CloseStale() bool {
	if s.cfg.CredentialsFile == "" {
		return false
	}
	now, err := config.ReadCredentials(s.cfg.CredentialsFile)
	if err != nil {
		return false // saslAuth reports it
	}
	stale := s.stale(now)
	for _, conn := range stale {
		_ = conn.Close() // its error does not matter: nobody uses the connection again
	}
	return len(stale) > 0
}

func (s *Sessions) stale(credentials string) (stale []*session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		if conn.credentials != credentials {
			stale = append(stale, conn)
		}
	}
	return stale
}
