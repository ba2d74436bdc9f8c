package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"out_sls_kafka/plugin/connect"
)

// soon is how long before its end a certificate is worth a word.
const soon = 14 * 24 * time.Hour

// connect takes the steps to one endpoint: DNS, TCP, TLS.
func (w *walk) connect(ctx context.Context, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		w.fail("DNS", err.Error(), "fix endpoint")
		return false
	}
	return w.resolve(ctx, host) && w.dial(ctx, address, port) && w.handshake(ctx, address)
}

func (w *walk) resolve(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.DialTimeout)
	defer cancel()
	began := time.Now()
	addresses, err := connect.Resolve(ctx, w.cfg, host)
	if err != nil {
		w.fail("DNS", err.Error(), "check project and region in the endpoint's name, ip_family, and this machine's name server")
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		w.step("DNS", "ok", host+" is an address")
		return true
	}
	var texts []string
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	w.pass("DNS", began, "%s is %s", host, list(texts))
	return true
}

func (w *walk) dial(ctx context.Context, address, port string) bool {
	began := time.Now()
	conn, err := connect.TCP(ctx, w.cfg, address)
	if err != nil {
		do := "check that the endpoint listens on port " + port + " and that no firewall is between"
		if strings.Contains(address, "aliyuncs.com") {
			do = "check the port (10012 from the internet, 10011 on intranet endpoints, which answer inside Alibaba Cloud alone) and the firewall's way out"
		}
		w.fail("TCP", err.Error(), do)
		return false
	}
	defer conn.Close()
	w.pass("TCP", began, "connected to %v", conn.RemoteAddr())
	return true
}

func (w *walk) handshake(ctx context.Context, address string) bool {
	began := time.Now()
	conn, err := connect.TLS(ctx, w.cfg, address)
	if errors.Is(err, context.DeadlineExceeded) {
		w.fail("TLS", fmt.Sprintf("%s does not answer within dial_timeout (%v)", address, w.cfg.DialTimeout), notTLS)
		return false
	}
	if err != nil {
		w.fail("TLS", w.cfg.AdviceWithoutRetry(w.cfg.Logstore, err), presented(err))
		return false
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		w.fail("TLS", "the connection is not TLS", "report this")
		return false
	}
	state := secure.ConnectionState()
	certificate := state.PeerCertificates[0]
	verified := "verified by " + issuer(certificate)
	if !w.cfg.TLSVerify {
		verified = "not verified, for tls_verify is off"
	}
	w.pass("TLS", began, "%s, certificate for %s, %s, valid until %s", tls.VersionName(state.Version), names(certificate), verified, certificate.NotAfter.UTC().Format(time.DateOnly))
	if left := time.Until(certificate.NotAfter); left < soon && left > 0 {
		w.step("TLS", "warning", fmt.Sprintf("the certificate ends in %s: its owner must renew it", number(int(left.Hours()/24), "day")))
	}
	return true
}

const notTLS = "check that the port is the one that speaks TLS"

// presented is what to do about a certificate, seen from what the endpoint showed.
func presented(err error) string {
	refused, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(refused.UnverifiedCertificates) == 0 {
		return notTLS
	}
	certificate := refused.UnverifiedCertificates[0]
	shown := fmt.Sprintf("the endpoint showed a certificate for %s, issued by %s, valid from %s until %s; ", names(certificate), issuer(certificate),
		certificate.NotBefore.UTC().Format(time.DateOnly), certificate.NotAfter.UTC().Format(time.DateOnly))
	if _, wrong := errors.AsType[x509.HostnameError](err); wrong {
		return shown + "connect to one of these names, or set tls_server_name to it"
	}
	if invalid, wrong := errors.AsType[x509.CertificateInvalidError](err); wrong && invalid.Reason == x509.Expired {
		return shown + "its owner must renew it; or this machine's clock is wrong"
	}
	return shown + "set tls_ca_file to the authority that issued it, or leave that unset for a public one"
}

// names are those that a certificate is for.
func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no name"
	}
	return list(all)
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}
