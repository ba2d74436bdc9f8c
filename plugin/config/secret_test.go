package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// What is easily put into the wrong option is not shown, however much else is wrong.
func TestSecretInWrongOption(t *testing.T) {
	t.Parallel()
	const secret = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd"
	for name, properties := range map[string]map[string]string{
		"value in place of the file":   with("access_key_id", "", "access_key_secret", "", "credentials_file", "LTAI5tKeyId#"+secret),
		"user and password of the URL": with("region", "", "endpoint", "https://LTAI5tKeyId:"+secret+"@my-project.cn-hangzhou.log.aliyuncs.com:10012"),
		"the same without a scheme":    with("region", "", "endpoint", "LTAI5tKeyId:"+secret+"@h.example"),
		"one of two endpoints":         with("region", "", "endpoint", "h.example:x, https://LTAI5tKeyId:"+secret+"@h.example"),
		"encoded in the URL":           with("region", "", "endpoint", "https://LTAI5tKeyId%23"+secret+".example"),
		"user of the URL, encoded":     with("region", "", "endpoint", "https://LTAI5tKeyId:"+secret+"%40h.example"),
		"the secret as the endpoint":   with("region", "", "endpoint", secret),
		"the same with a port":         with("region", "", "endpoint", secret+":10012"),
		"joined, as the project":       with("project", "LTAI5tKeyId#"+secret),
		"the secret as the project":    with("project", secret),
		"the secret as a switch":       with("parse_json", secret),
		"a key in place of its file":   with("tls_key_file", "-----BEGIN-PRIVATE-KEY-MIIE"+secret),
		"a key in place of both files": with("tls_cert_file", "-----BEGIN CERTIFICATE-----", "tls_key_file", "-----BEGIN PRIVATE KEY-----"+secret),
		"an accessor":                  with("logstore_key", "$a['"+secret+"#x"),
		"twice":                        with("project", "my-project-T0p-S3cret", "access_key_secret", "T0p-S3cret"),
		"within another":               with("tls_ca_file", "/no/such/T0p-S3cret/ca.pem", "access_key_secret", "T0p-S3cret"),
		"in quotes":                    with("tls_ca_file", "/no/such/T0p-S3cret", "access_key_secret", `"T0p-S3cret"`),
		"as id#secret in the id":       with("access_key_id", "LTAI5tKeyId#"+secret, "tls_ca_file", "/no/such/"+secret),
		"two ways":                     with("password", "LTAI5tKeyId#"+secret, "tls_ca_file", "/no/such/"+secret),
		"two names":                    with("tag_key", "id#"+secret, "time_key", "id#"+secret),
		"both endpoint and region":     with("endpoint", "a:"+secret+"@h"),
	} {
		for _, known := range []string{secret, ""} { // who puts it into the wrong option has it nowhere else
			_, warnings, err := Parse(source(properties, "SLS_ACCESS_KEY_SECRET", known))
			if err == nil {
				t.Errorf("%s: no error", name)
				continue
			}
			if text := err.Error() + strings.Join(warnings, "\n"); strings.Contains(text, secret) || strings.Contains(text, "S3cret") {
				t.Errorf("%s, known %q: %s", name, known, text)
			} else if !strings.Contains(text, "***") && name != "two ways" {
				t.Errorf("%s, known %q: nothing is hidden: %s", name, known, text)
			}
		}
	}
}

// Nor is what the file of credentials holds, or held, when a broker repeats it.
func TestSecretOfFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "credentials")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("id#first-secret")
	c, _, err := Parse(source(with("access_key_id", "", "access_key_secret", "", "credentials_file", file)))
	if err != nil {
		t.Fatal(err)
	}
	write("id#second-secret\n")
	if _, _, err := c.Credentials(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"first-secret", "second-secret"} {
		err := &kerr.Error{Message: "wrong password id#" + secret + ", " + secret, Code: kerr.SaslAuthenticationFailed.Code}
		if text := c.Advice("demo", err); strings.Contains(text, secret) || !strings.Contains(text, "***") {
			t.Errorf("%s", text)
		}
	}
}

// Whoever examines a configuration makes no file, and opens none for writing.
func TestExamineMakesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, problem := range map[string]string{
		filepath.Join(dir, "new.jsonl"):       "",
		filepath.Join(dir, "none", "x.jsonl"): "no such file or directory",
		dir:                                   "is a directory",
		filepath.Join(dir, "new.jsonl", "x"):  "no such file or directory",
	} {
		src := source(with("dead_letter_file", file))
		src.Examine = true
		_, _, err := Parse(src)
		if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, want %q", file, err, problem)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 0 {
		t.Errorf("there are %v now, %v", all, err)
	}
}
