package sls

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// credentials are what a client presents and what the endpoint holds against it.
type credentials struct {
	user     string // the project
	password string // AccessKeyID#AccessKeySecret
}

// saslStage is how far a connection has come.
type saslStage uint8

const (
	saslBegin      saslStage = iota
	saslHandshaken           // handshake version 1: SaslAuthenticate follows
	saslToken                // handshake version 0: the bare PLAIN token follows, without a request header
	saslDone
)

const saslMechanism = "PLAIN"

// SetCredentials changes what the endpoint accepts from now on. Connections that presented something else are refused
// at their next request.
func (e *Endpoint) SetCredentials(project, id, secret string) {
	e.credentials.Store(&credentials{user: project, password: id + "#" + secret})
}

// SetRefuseSASL changes Options.RefuseSASL while the endpoint runs. While it is on, a connection whose credentials have
// been replaced is closed at its next request, so that its client authenticates again and is refused there.
func (e *Endpoint) SetRefuseSASL(refuse bool) { e.refuseSASL.Store(refuse) }

// authorised reports whether what the connection presented is right now.
func (c *conn) authorised() bool {
	right := *c.e.credentials.Load()
	if token := c.e.options.Behaviour.SecurityToken; token != "" && c.presented.password == right.password+"#"+token {
		return c.presented.user == right.user
	}
	return c.presented == right
}

var errRefused = errors.New("wrong credentials")

// authenticate takes a PLAIN token (RFC 4616). Unless the endpoint refuses at SASL any credentials pass, and the
// topics answer for them.
func (c *conn) authenticate(token []byte) error {
	parts := bytes.Split(token, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 || len(parts[2]) == 0 {
		return fmt.Errorf("%w: not a PLAIN token of user and password", errRefused)
	}
	c.presented = credentials{user: string(parts[1]), password: string(parts[2])}
	if c.e.refuseSASL.Load() && !c.authorised() {
		return errRefused
	}
	c.sasl = saslDone
	return nil
}

// receiveToken authenticates a client of handshake version 0, which is answered by an empty token, or by the end of
// the connection.
func (c *conn) receiveToken(frame []byte) error {
	if err := c.authenticate(frame[4:]); err != nil {
		return err
	}
	c.ask(&request{answer: make([]byte, 4)})
	return nil
}

// receiveHandshake answers SaslHandshake, versions 0 and 1.
func (c *conn) receiveHandshake(r *request, body []byte) error {
	req := &kmsg.SASLHandshakeRequest{Version: r.version}
	if r.version > 1 {
		return fmt.Errorf("SaslHandshake version %d is not supported", r.version)
	}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("SaslHandshake: %w", err)
	}
	resp := &kmsg.SASLHandshakeResponse{Version: r.version, SupportedMechanisms: []string{saslMechanism}}
	if named := c.e.options.Behaviour.Mechanisms; named != nil {
		resp.SupportedMechanisms = named
	}
	switch {
	case r.version == 1 && c.e.options.Behaviour.RefuseAuthenticate:
		return errors.New("SaslHandshake version 1 is not served")
	case c.sasl != saslBegin:
		resp.ErrorCode = kerr.IllegalSaslState.Code
	case req.Mechanism != saslMechanism:
		resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
	case r.version == 0 && c.e.options.Behaviour.RefuseBareToken:
		return errors.New("SaslHandshake version 0 is not served")
	case r.version == 0:
		c.sasl = saslToken
	default:
		c.sasl = saslHandshaken
	}
	c.reply(r, resp)
	return nil
}

// receiveAuthenticate answers SaslAuthenticate, version 0 as in Kafka 2.1; after a refusal the connection ends.
func (c *conn) receiveAuthenticate(r *request, body []byte) error {
	if r.version > 0 {
		return fmt.Errorf("SaslAuthenticate version %d is not supported", r.version)
	}
	req := &kmsg.SASLAuthenticateRequest{Version: r.version}
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("SaslAuthenticate: %w", err)
	}
	resp := &kmsg.SASLAuthenticateResponse{Version: r.version, SASLAuthBytes: []byte{}}
	var refused error
	if c.sasl != saslHandshaken {
		resp.ErrorCode = kerr.IllegalSaslState.Code
	} else if refused = c.authenticate(req.SASLAuthBytes); refused != nil {
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = kmsg.StringPtr("Authentication failed: Invalid username or password")
	}
	c.reply(r, resp)
	return refused
}

// reply answers a request in the broker's place. Only for answers with the short header, that is for no flexible
// version but ApiVersions'.
func (c *conn) reply(r *request, resp kmsg.Response) {
	r.answer = responseFrame(r, resp)
	c.ask(r)
}

func responseFrame(r *request, resp kmsg.Response) []byte {
	frame := binary.BigEndian.AppendUint32(make([]byte, 4, 64), uint32(r.correlation))
	frame = resp.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}
