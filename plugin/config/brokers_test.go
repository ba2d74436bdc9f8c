package config

import (
	"strings"
	"testing"
)

func TestMayCall(t *testing.T) {
	t.Parallel()
	c, _, err := Parse(source(with("broker_hosts", " *.log.aliyuncs.com, Kafka-1.example.com. ,10.0.0.7,[fd00::1]")))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"my-project.cn-hangzhou.log.aliyuncs.com": true, // the endpoint
		"node-3.cn-hangzhou.log.aliyuncs.com":     true,
		"NODE-3.log.aliyuncs.com.":                true,
		"log.aliyuncs.com":                        false,
		"evillog.aliyuncs.com":                    false,
		"a.log.aliyuncs.com.evil.example":         false,
		"kafka-1.example.com":                     true,
		"a.kafka-1.example.com":                   false,
		"10.0.0.7":                                true,
		"10.0.0.70":                               false,
		"fd00::1":                                 true,
		"127.0.0.1":                               false,
		"":                                        false,
	} {
		if c.MayCall(host) != want {
			t.Errorf("%q may be called: %v", host, !want)
		}
		if c.IsOutside(host) {
			t.Errorf("%q is outside, though broker_hosts is set", host)
		}
	}
}

func TestIsOutside(t *testing.T) {
	t.Parallel()
	for endpoint, hosts := range map[string]map[string]bool{
		"cn-hangzhou.log.aliyuncs.com": {"my-project.cn-hangzhou.log.aliyuncs.com": false, "b.cn-hangzhou-intranet.log.aliyuncs.com": false, "aliyuncs.com.evil.example": true, "evilaliyuncs.com": true, "10.0.0.1": true},
		"kafka.example.com:9092":       {"b1.example.com": false, "B1.example.com.": false, "example.com": true, "b1.example.org": true, "localhost": true},
		"kafka.internal":               {"kafka.internal": false, "other.internal": true},
		"10.1.2.3":                     {"10.1.2.3": false, "10.1.2.4": true, "99.10.1.2.3": false /* no such address */, "kafka.example.com": true},
		"localhost:9092":               {"127.0.0.1": false, "::1": false, "127.0.0.2": false, "10.0.0.1": true},
	} {
		c, _, err := Parse(source(with("region", "", "endpoint", endpoint)))
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range hosts {
			if c.IsOutside(host) != want || !c.MayCall(host) {
				t.Errorf("endpoint %s: %s is outside: %v, may be called: %v", endpoint, host, c.IsOutside(host), c.MayCall(host))
			}
		}
	}
	c, _, err := Parse(source(with("tls_server_name", "kafka.example.com")))
	if err != nil || c.IsOutside("b1.example.org") {
		t.Errorf("with one name for all: outside, %v", err)
	}
}

func TestBrokerHostsFaults(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"*", "*.", "a.*", "http://a", "a:9092", "a b", ",", "*.*.a", "a..b"} {
		if _, _, err := Parse(source(with("broker_hosts", v))); err == nil || !strings.Contains(err.Error(), "broker_hosts") {
			t.Errorf("%q: %v", v, err)
		}
	}
}
