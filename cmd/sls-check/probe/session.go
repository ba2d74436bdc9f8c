package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"out_sls_kafka/plugin/connect"
)

// maxAnswerBytes bounds what a service may make the probe hold.
const maxAnswerBytes = 1 << 20

// session is a connection on which requests are asked one by one. A Kafka client would hide what is asked here: it
// chooses versions, repeats what fails, and gives answers its own names.
type session struct {
	conn        net.Conn
	client      string
	timeout     time.Duration
	correlation int32
	release     func() bool
}

// dial connects to an address, up to TLS.
func (p *prober) dial(ctx context.Context, address string) (*session, error) {
	conn, err := connect.TLS(ctx, p.t.Config, address)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, client: p.t.Config.ClientID, timeout: p.t.Config.RequestTimeout}
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() }) // what waits on it then ends
	return s, nil
}

func (s *session) close() {
	s.release()
	_ = s.conn.Close() // nobody uses it again
}

// send writes a frame behind its length.
func (s *session) send(frame []byte) error {
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(frame)
	return err
}

// receive reads a frame without its length.
func (s *session) receive() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(s.conn, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxAnswerBytes {
		return nil, errNonsense
	}
	body := make([]byte, n)
	_, err := io.ReadFull(s.conn, body)
	return body, err
}

var errNonsense = errors.New("an answer that is not one of Kafka")

// request asks and returns the answer, in the version that the request has.
func (s *session) request(req kmsg.Request) (kmsg.Response, error) {
	s.correlation++
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID(s.client)).AppendRequest(nil, req, s.correlation)
	if err := s.send(frame); err != nil {
		return nil, err
	}
	body, err := s.receive()
	if err != nil {
		return nil, err
	}
	if len(body) < 4 || int32(binary.BigEndian.Uint32(body)) != s.correlation {
		return nil, errNonsense
	}
	resp := req.ResponseKind()
	r := kbin.Reader{Src: body[4:]}
	if resp.IsFlexible() && resp.Key() != kmsg.ApiVersions.Int16() {
		kmsg.SkipTags(&r)
	}
	if !r.Ok() || resp.ReadFrom(r.Src) != nil {
		return nil, errNonsense
	}
	return resp, nil
}

// plainToken is what SASL PLAIN sends.
// Source: RFC 4616.
func plainToken(user, password string) []byte { return []byte("\x00" + user + "\x00" + password) }

// authenticate goes through SASL PLAIN with a version of SaslHandshake: 1, which SaslAuthenticate follows, or 0, which
// the bare token follows.
func (s *session) authenticate(version int16, user, password string) error {
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Version, handshake.Mechanism = version, "PLAIN"
	resp, err := s.request(handshake)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.(*kmsg.SASLHandshakeResponse).ErrorCode); err != nil {
		return err
	}
	token := plainToken(user, password)
	if version == 0 {
		if err := s.send(append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...)); err != nil {
			return err
		}
		_, err := s.receive()
		return err
	}
	auth := kmsg.NewPtrSASLAuthenticateRequest()
	auth.SASLAuthBytes = token
	if resp, err = s.request(auth); err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.SASLAuthenticateResponse).ErrorCode)
}

// open connects to an address and authenticates, in the way that the endpoint takes.
func (p *prober) open(ctx context.Context, address, password string) (*session, error) {
	var failed error
	for _, version := range []int16{1, 0} {
		s, err := p.dial(ctx, address)
		if err != nil {
			return nil, err
		}
		if err = s.authenticate(version, p.user, password); err == nil {
			return s, nil
		}
		s.close()
		if failed == nil {
			failed = err
		}
		if _, answered := errors.AsType[*kerr.Error](err); answered {
			break // the other way would be refused too
		}
	}
	return nil, failed
}

// inWords is an error in words without an address or a name.
func inWords(err error) string {
	if fault, ok := errors.AsType[*kerr.Error](err); ok {
		return "refused: " + fault.Message
	}
	switch {
	case err == nil:
		return "accepted"
	case errors.Is(err, errNonsense):
		return errNonsense.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return "connection closed"
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return "cannot connect"
	}
	return fmt.Sprintf("failed (%T)", err)
}
