package config

import (
	"slices"
	"testing"
)

func TestOptionsMatchTable(t *testing.T) {
	all := Options()
	if len(all) != len(options) {
		t.Fatalf("%d options, the table has %d", len(all), len(options))
	}
	var secret []string
	for i, o := range all {
		if o.Name != options[i].name {
			t.Errorf("option %d is %s, in the table %s", i, o.Name, options[i].name)
		}
		if o.Secret {
			secret = append(secret, o.Name)
		}
	}
	if want := []string{"access_key_id", "access_key_secret", "password"}; !slices.Equal(secret, want) {
		t.Errorf("secret are %v, want %v", secret, want)
	}
}

func TestEquivalent(t *testing.T) {
	for key, want := range map[string]string{"brokers": "endpoint", "topics": "logstore", "project": "", "nonsense": ""} {
		if got := Equivalent(key); got != want {
			t.Errorf("equivalent of %s: %q, want %q", key, got, want)
		}
	}
}
