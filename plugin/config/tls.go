package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"out_sls_kafka/plugin/failure"
	"out_sls_kafka/plugin/regular"
)

// resolveTLS checks the files that the tls_ options name.
func (c *Config) resolveTLS() (faults []Fault) {
	if _, problem := c.readRoots(); problem != "" {
		faults = append(faults, Fault{"tls_ca_file", c.tlsCAFile, problem, "a PEM file with a certificate"})
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert + c.tlsKey, "one is set without the other", "both or none"})
	}
	if _, problem := c.readCertificate(); problem != "" {
		faults = append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert, problem, "PEM files of one certificate and its key"})
	}
	return faults
}

// TLSFiles returns the trusted roots and the client's certificate as the files have
// them now, each nil if no file is named. It is called for every new connection: so a
// certificate that is renewed takes effect. Its errors wrap [failure.ErrFile].
func (c *Config) TLSFiles() (roots *x509.CertPool, certificate *tls.Certificate, err error) {
	roots, problem := c.readRoots()
	if problem != "" {
		return nil, nil, fmt.Errorf("%w: tls_ca_file %s: %s", failure.ErrFile, c.tlsCAFile, problem)
	}
	certificate, problem = c.readCertificate()
	if problem != "" {
		return nil, nil, fmt.Errorf("%w: tls_cert_file %s: %s", failure.ErrFile, c.tlsCert, problem)
	}
	return roots, certificate, nil
}

func (c *Config) readRoots() (roots *x509.CertPool, problem string) {
	if c.tlsCAFile == "" {
		return nil, ""
	}
	pem, err := regular.Read(c.tlsCAFile)
	if err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, "no certificate in it"
	}
	return roots, ""
}

func (c *Config) readCertificate() (certificate *tls.Certificate, problem string) {
	if c.tlsCert == "" {
		return nil, ""
	}
	certificatePEM, err := regular.Read(c.tlsCert)
	if err != nil {
		return nil, "not a usable pair: " + cause(err)
	}
	keyPEM, err := regular.Read(c.tlsKey)
	if err != nil {
		return nil, "not a usable pair: " + cause(err)
	}
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if err != nil {
		return nil, "not a usable pair: " + cause(err)
	}
	return &pair, ""
}
