package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// resolveTLS loads the files that the tls_ options name.
func (c *Config) resolveTLS() (faults []Fault) {
	if c.tlsCAFile != "" {
		pem, err := os.ReadFile(c.tlsCAFile)
		if err != nil {
			faults = append(faults, Fault{"tls_ca_file", c.tlsCAFile, "cannot be read: " + cause(err), "a PEM file with a certificate"})
		} else if c.TLSRoots = x509.NewCertPool(); !c.TLSRoots.AppendCertsFromPEM(pem) {
			faults = append(faults, Fault{"tls_ca_file", c.tlsCAFile, "no certificate in it", "a PEM file with a certificate"})
		}
	}
	switch {
	case c.tlsCert == "" && c.tlsKey == "":
	case c.tlsCert == "" || c.tlsKey == "":
		faults = append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert + c.tlsKey, "one is set without the other", "both or none"})
	default:
		pair, err := tls.LoadX509KeyPair(c.tlsCert, c.tlsKey)
		if err != nil {
			faults = append(faults, Fault{"tls_cert_file/tls_key_file", c.tlsCert, "not a usable pair: " + cause(err), "PEM files of one certificate and its key"})
		}
		c.TLSCertificate = &pair
	}
	return faults
}
