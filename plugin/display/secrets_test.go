package display

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"out_sls_kafka/test/hostile"
)

func TestSecretValues(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	s.Add("LTAI5tKeyId#joined-secret")
	s.Add("s3cret")
	for v, want := range map[string]string{
		"":                                     "",
		"web":                                  "web",
		"/etc/sls/key":                         "/etc/sls/key",
		"@timestamp":                           "@timestamp",
		"LTAI5tKeyId#Secret":                   "***",
		"# comment":                            "***",
		"https://id:Secret@h.example:10012":    "https://***@h.example:10012",
		"id:Se@cret@h.example":                 "***@h.example",
		"-----BEGIN-PRIVATE-KEY-MIIE":          "***",
		"x -----begin RSA":                     "***",
		"s3cret":                               "***",
		` "s3cret" `:                           "***",
		"joined-secret":                        "***",
		"web-s3cret-0":                         "web-***-0",
		"h.example/joined-secret":              "h.example/***",
		"https://id%23Secret.example":          "***",
		"https://id:Secret%40h.example":        "***",
		"https://id:%73%33cret@h.example":      "https://***@h.example",
		"Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd":       "***",
		"Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd:10012": "***:10012",
		"/etc/Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd":  "/etc/***",
		"k8s-Production-Cluster-1234567890":    "k8s-Production-Cluster-1234567890",
	} {
		if got := s.Value(v); got != want {
			t.Errorf("%q is shown as %q, want %q", v, got, want)
		}
	}
	var none *Secrets
	if none.Value("web") != "web" || none.Hide("a#b") != "a#b" || none.Value("a#b") != "***" {
		t.Error("no secrets hide what they should not")
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	s := new(Secrets)
	s.Add("id#secret-of-id")
	s.Add("short") // would hide half of every text
	if got := s.Hide("wrong password id#secret-of-id, secret-of-id; shortly"); got != "wrong password id#***, ***; shortly" && got != "wrong password ***, ***; shortly" {
		t.Error(got)
	}
	for i := range 1000 {
		s.Add(fmt.Sprintf("secret-%04d", i))
	}
	if len(s.all) > mostSecrets || strings.Contains(s.Hide("the last is secret-0999"), "secret-") {
		t.Errorf("%d secrets", len(s.all))
	}
	if text := fmt.Sprintf("%v %+v %#v", s, struct{ S *Secrets }{s}, s); strings.Contains(text, "secret-0999") {
		t.Errorf("it shows itself: %s", text)
	}
}

// A secret is hidden also where it is written as tools write it, with any neighbours.
func TestHideForms(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"T0p/S3cret+key=", `quo"ted\secret`, "geheim & größer", "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd", "sixsix"} {
		s := new(Secrets)
		s.Add("id#" + secret)
		escaped, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{fmt.Sprintf("%q", "\x00p\x00id#"+secret), string(escaped), strings.ReplaceAll(secret, "/", `\/`), url.QueryEscape(secret), "https://id:" + url.PathEscape(secret) + "@h",
			fmt.Sprintf("%x", "id#"+secret), fmt.Sprintf("%X", secret)}
		for before := range 7 {
			for after := range 4 {
				text := []byte(strings.Repeat("\x00", before) + secret + strings.Repeat("z", after))
				texts = append(texts, base64.StdEncoding.EncodeToString(text), base64.RawURLEncoding.EncodeToString(text))
			}
		}
		for _, text := range texts {
			if got := s.Hide("said: " + text + "; retrying"); !strings.Contains(got, Hidden) || hostile.Reveals(got, secret) || !strings.HasPrefix(got, "said: ") || !strings.HasSuffix(got, "; retrying") {
				t.Errorf("%q is shown as %q", text, got)
			}
		}
	}
}
