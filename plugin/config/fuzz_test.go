package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"out_sls_kafka/plugin/display"
)

// A value of any option gives a configuration or faults; each line is one, without
// the secret.
func FuzzOptions(f *testing.F) {
	f.Add(0, "my-project", "region")
	f.Add(2, "https://user:t0p-s3cret@host:1,[::1]:2", "endpoint")
	f.Add(20, "$kubernetes['a']", "broker_hosts")
	f.Fuzz(func(t *testing.T, index int, value, other string) {
		properties := minimal()
		name := options[uint(index)%uint(len(options))].name
		switch name {
		case "dead_letter_file", "spool_path", "credentials_file", "tls_ca_file", "tls_cert_file", "tls_key_file":
			t.Skip("names a file")
		}
		properties[name] = value
		if name != "region" {
			properties["client_id"] = other
		}
		src := source(properties)
		src.Examine = true
		_, warnings, err := Parse(src)
		lines := warnings
		if err != nil {
			lines = append(lines, strings.Split(err.Error(), "\n")...)
		}
		secret := strings.TrimSpace(properties["access_key_secret"])
		for _, line := range lines {
			if len(line) > display.MaxLine || strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsPrint(r) }) {
				t.Errorf("%s = %q: a line of %d bytes, %q", name, value, len(line), line)
			}
			if len(secret) > 8 && name != "access_key_secret" && strings.Contains(line, secret) {
				t.Errorf("%s = %q: the secret is in %q", name, value, line)
			}
		}
	})
}

// What is in a file of credentials is accepted or refused, and never in the error.
func FuzzCredentials(f *testing.F) {
	f.Add("id#secret\n")
	f.Add("\ufeff\"id#secret\"")
	f.Add("STS.id#secret#token")
	file := filepath.Join(f.TempDir(), "credentials")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		password, err := ReadCredentials(file)
		if err == nil && (!strings.Contains(password, "#") || strings.ContainsAny(password, "\r\n")) {
			t.Errorf("%q gives %q", content, password)
		}
		if _, secret, found := strings.Cut(content, "#"); found && err != nil && len(secret) > 30 && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is in %q", err)
		}
	})
}
