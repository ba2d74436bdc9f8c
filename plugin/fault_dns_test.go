package plugin

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"out_sls_kafka/test/sls"
)

// A name that cannot be resolved for a while: everything is stored once it can.
// On the network of this machine, since Go's resolver is asked.
func TestFaultDNSPasses(t *testing.T) {
	t.Parallel()
	network := testNetwork{}
	const name = "sls.example"
	e := network.start(t, sls.Options{Hostnames: []string{name, "127.0.0.1"}})
	_, port, err := net.SplitHostPort(e.Addr())
	if err != nil {
		t.Fatal(err)
	}
	var up atomic.Bool
	server := nameServer(t)
	cfg := network.parse(t, propertiesFor(t, net.JoinHostPort(name, port), e.CAPEM()))
	cfg.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !up.Load() {
			return nil, errors.New("the name server is away")
		}
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
	o, h := startConfig(t, cfg)
	l := newLoad(t, o, e)
	l.send(3, 1000)
	h.wait("cannot reach "+name, "(DNS)", "retrying")
	up.Store(true)
	l.wantStored(0, 0)
	wantRecovery(t, h, "cannot reach "+name, "(DNS)")
}

// nameServer answers every question for an IPv4 address with 127.0.0.1
// (RFC 1035, section 4) and returns its own address.
func nameServer(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := addressAnswer(buf[:n]); answer != nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func addressAnswer(query []byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	if end += 5; end > len(query) {
		return nil
	}
	isA := binary.BigEndian.Uint16(query[end-4:]) == 1
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if isA {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
	}
	return answer
}
