package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"out_sls_kafka/test/run"
)

// limit is how long Fluent Bit may take to do what a test waits for.
const limit = time.Minute

// What sls-check says makes Fluent Bit end must make it end, and what it has nothing against must not. Another output
// takes the plugin's place: what is examined here is Fluent Bit's own.
func TestFluentBitEnds(t *testing.T) {
	fluentBit := run.NeedFluentBit(t, "that Fluent Bit ends where sls-check says so")
	const in, out = "[INPUT]\n    Name dummy\n", "[OUTPUT]\n    Match *\n    Retry_Limit no_limits\n"
	const ours = "    Name sls_kafka\n    project my-project\n    logstore web\n    region cn-hangzhou\n"
	for name, c := range map[string]struct{ config, want string }{
		"nothing":                     {in + out, ""},
		"tls off":                     {in + out + "    tls off\n    tls.verify off\n", ""},
		"a key of net.":               {in + out + "    net.keepalive on\n", ""},
		"no Match":                    {in + "[OUTPUT]\n", ""},
		"storage on disk":             {"[SERVICE]\n    storage.path DIR/storage\n" + in + "    storage.type filesystem\n" + out, ""},
		"storage from [SERVICE]":      {"[SERVICE]\n    storage.type files\n    storage.inherit on\n" + in + out, ""},
		"an unknown key of [SERVICE]": {"[SERVICE]\n    storage.paht DIR\n" + in + out, ""},
		"tls on":                      {in + out + "    tls on\n", "tls is on"},
		"an unknown key of net.":      {in + out + "    net.foo 1\n", "not a key of Fluent Bit"},
		"no storage.path":             {in + "    storage.type filesystem\n" + out, "storage.path is not set"},
		"no storage.path, inherited":  {"[SERVICE]\n    storage.type filesystem\n    storage.inherit on\n" + in + out, "storage.path is not set"},
		"an unknown storage.type":     {in + "    storage.type files\n" + out, "none of Fluent Bit's"},
		"[PLUGINS] in the main file":  {"[PLUGINS]\n    Path /no/such.so\n" + in + out, "[PLUGINS] stands"},
		"no Plugins_File":             {"[SERVICE]\n    Plugins_File none.conf\n" + in + out, "Plugins_File"},
		"no shared object":            {"[SERVICE]\n    Plugins_File plugins.conf\n" + in + out, "cannot be found"},
		"a key twice":                 {"[INPUT]\n    Name dummy\n    Rate 1\n    Rate 2\n" + out, "rate of dummy is set again"},
		"a key of the engine twice":   {in + "    Tag a\n    Tag b\n    Mem_Buf_Limit 5M\n    Mem_Buf_Limit 6M\n" + out, ""},
		"a filter's key twice":        {in + "[FILTER]\n    Name grep\n    Match *\n    Logical_Op and\n    Logical_Op or\n" + out, "logical_op of grep is set again"},
		"what may be repeated":        {in + "[FILTER]\n    Name modify\n    Match *\n    Add a 1\n    Add b 2\n    Remove a\n    Remove b\n" + out, ""},
		"a shared object that is not": {"[SERVICE]\n    Plugins_File directory.conf\n" + in + out, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := strings.ReplaceAll(c.config, "DIR", dir)
			for name, text := range map[string]string{
				"ours.conf": strings.Replace(config, "[OUTPUT]\n", "[OUTPUT]\n"+ours, 1), "fluent-bit.conf": strings.Replace(config, "[OUTPUT]\n", "[OUTPUT]\n    Name stdout\n", 1),
				"plugins.conf": "[PLUGINS]\n    Path /no/such.so\n", "directory.conf": "[PLUGINS]\n    Path " + dir + "\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			report, status := diagnose(t, "-c", filepath.Join(dir, "ours.conf"))
			if ends := c.want != ""; (status == statusErrors) != ends || !strings.Contains(report, c.want) {
				t.Errorf("status %d, want an error: %v with %q:\n%s", status, ends, c.want, report)
			}
			p := run.StartTest(t, run.Command{Path: fluentBit, Args: []string{"-c", filepath.Join(dir, "fluent-bit.conf")}})
			if c.want == "" {
				p.Await("{\"message\"=>\"dummy\"}", 1, limit)
				return
			}
			if code := p.Wait(limit); code == 0 {
				t.Errorf("Fluent Bit ended well:\n%s", p.Output())
			}
		})
	}
}

// Fluent Bit itself decides which tags a Match takes, and which tag an input has where none is set.
func TestRoutingAsFluentBit(t *testing.T) {
	fluentBit := run.NeedFluentBit(t, "that Match takes the same tags")
	dir := t.TempDir()
	var config bytes.Buffer
	config.WriteString("[SERVICE]\n    Flush 0.2\n    Grace 1\n[INPUT]\n    Name dummy\n    Samples 1\n")
	var tags, matches []string
	tags = append(tags, "dummy.0")
	for _, r := range routings {
		if !slices.Contains(tags, r.tag) {
			tags = append(tags, r.tag)
			fmt.Fprintf(&config, "[INPUT]\n    Name dummy\n    Samples 1\n    Tag %s\n", r.tag)
		}
		if !slices.Contains(matches, r.match) {
			matches = append(matches, r.match)
			fmt.Fprintf(&config, "[OUTPUT]\n    Name file\n    Match %s\n    Path %s\n    File match-%d\n", r.match, dir, len(matches)-1)
		}
	}
	config.WriteString("[OUTPUT]\n    Name stdout\n    Match *\n")
	file := filepath.Join(dir, "fluent-bit.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run.StartTest(t, run.Command{Path: fluentBit, Args: []string{"-c", file}})
	p.Await("{\"message\"=>\"dummy\"}", len(tags), limit)
	if code := p.Stop(); code != 0 { // which writes what is on the way
		t.Errorf("Fluent Bit ended with %d", code)
	}
	for i, match := range matches {
		landed, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("match-%d", i)))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, tag := range tags {
			took := bytes.Contains(append([]byte("\n"), landed...), []byte("\n"+tag+": ["))
			if took != meet(tag, match) {
				t.Errorf("Match %s takes %s: %v, meet says %v", match, tag, took, meet(tag, match))
			}
		}
	}
}
