package main

import "testing"

// routings are tags of inputs, where some stand for many, and what Match takes of them.
var routings = []struct {
	tag, match string
	want       bool
}{
	{"app", "app", true}, {"app", "App", false}, {"app", "ap", false}, {"ap", "app", false},
	{"app", "*", true}, {"app.web", "app.*", true}, {"app.", "app.*", true}, {"app", "app.*", false},
	{"app.web", "*web", true}, {"app.web", "*we", false}, {"app.web", "a*.*b", true}, {"app.web", "a*x*b", false},
	{"app.web", "**", true}, {"app.web", "app**web", true}, {"app.web", "app.web*", true}, {"aab", "*ab", true},
	{"dummy.0", "dummy.*", true}, {"dummy.0", "dummy.1", false}, {"a?b", "a?b", true}, {"axb", "a?b", false},
}

func TestMeet(t *testing.T) {
	for _, c := range routings {
		if got := meet(c.tag, c.match); got != c.want {
			t.Errorf("meet(%q, %q) = %v", c.tag, c.match, got)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"", "*", true}, {"*", "", true}, {"*", "*", true}, {"", "a", false},
		{"kube.*", "kube.*", true}, {"kube.*", "*.log", true}, {"kube.*", "host.*", false}, {"a*", "*b", true},
		{"a*c", "ab", false}, {"a*b*c", "*x*", true}, {"*a", "*b", false}, {"a*", "b*", false}, {"kube.*", "kube", false},
	} {
		if meet(c.a, c.b) != c.want || meet(c.b, c.a) != c.want {
			t.Errorf("meet(%q, %q) = %v, the other way %v", c.a, c.b, meet(c.a, c.b), meet(c.b, c.a))
		}
	}
}

func TestNearest(t *testing.T) {
	for key, want := range map[string]string{
		"acces_key_id": "access_key_id", "access.key.id": "access_key_id", "accesskeyid": "access_key_id", "logstor": "logstore", "pasword": "password",
		"retry-limit": "retry_limit", "retry_limt": "retry_limit", "mach": "match", "time": "", "x": "", "completely_else": "",
	} {
		if got := nearest(key); got != want {
			t.Errorf("nearest(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestAtoi(t *testing.T) {
	for text, want := range map[string]int{"5": 5, " 5s": 5, "-1": -1, "+2": 2, "": 0, "x5": 0, "5.9": 5, "99999999999999999999": 0} {
		if got := atoi(text); got != want {
			t.Errorf("atoi(%q) = %d, want %d", text, got, want)
		}
	}
}
