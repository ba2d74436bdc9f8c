package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the documents that are made from tables")

const optionsDoc = "../../docs/options.md"

// The document is made from the table, so that they cannot differ.
func TestOptionsDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Options

Sizes take K, M or G (of 1024), durations Go's form (500ms, 5s, 1m). Lists are separated by commas. One pair of quotes
around a value is taken off. An empty value is the same as none. Made from plugin/config/options.go by
` + "`go test ./plugin/config -run TestOptionsDocument -update`" + `.

| option | default | allowed | meaning |
|---|---|---|---|
`)
	for _, o := range options {
		def := o.def
		if def == "" {
			def = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.name, def, o.allowed, o.help)
	}
	b.WriteString(`
A field that an option adds (` + "`time_key`, `record_id_key`, `tag_key`, `metadata_key`,\n`group_key`" + `) is overridden by the record's own
field of the same name.

Fluent Bit keeps some keys of an [OUTPUT] section to itself and never shows them to a plugin: ` + "`host`, `port`, `tls`, `tls.*`,\n`net.*`, `workers`, `retry_limit`, `log_level`, `alias`" + ` and others. ` + "`tls on`" + ` stops Fluent Bit; ` + "`tls.verify`" + ` and the
like have no effect here: the connection is always TLS, and its options are the ` + "`tls_`" + ` ones above.
`)
	if *update {
		if err := os.WriteFile(optionsDoc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(optionsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s differs from the table of options: run go test ./plugin/config -run TestOptionsDocument -update", optionsDoc)
	}
}
