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
## Who wins

Of a field that an option adds and one that the record has under the same name only one lands:

| option | lands |
|---|---|
| ` + "`tag_key`, `metadata_key`, `group_key`, `record_id_key`" + ` | what the plugin adds. The record's own field never does, also where the event has no metadata or no group: who reads the field can rely on it |
| ` + "`time_key`" + ` | the record's own field, which is an application's own time; with ` + "`time_key_override on`" + ` the event's time |

The first field that does not land is named in the log.

## Accessors

` + "`logstore_key` and `message_key_field`" + ` are the name of a first-level field, as it is written, or text in which accessors
stand. One grammar serves both; it is Fluent Bit's own, and parts of the tag may have names:

| accessor | gives |
|---|---|
| ` + "`log`, without any `$`" + ` | the first-level field of that name |
| ` + "`$log`" + ` | the same: a letter or ` + "`_`, then letters, digits and `_ . -`" + ` |
| ` + "`$kubernetes['labels']['app']`, `$list[0]`" + ` | what stands within; a ` + "`'`" + ` in a key is written twice |
| ` + "`$TAG`" + ` | the tag |
| ` + "`$TAG[1]`" + ` | its second part, of those that dots separate |
| ` + "`$TAG['namespace']`, `$TAG['pod']`, `$TAG['container']`" + ` | what the tag of a container's log says, ` + "`kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log`" + `; the name of a pod may contain dots, so numbers do not find it |

- Text may stand around them: ` + "`k8s-$TAG['namespace']-logs`" + `. It can follow a bracket or ` + "`$TAG`" + `; the name of a field goes on
  as long as its characters do: ` + "`$a-b` is the field `a-b`" + `.
- If one accessor finds nothing, or an empty text, the whole is absent. So it is for a tag that has no such part.
- At most eight accessors, none of them twice.
- What looks like an accessor needs its ` + "`$`: `kubernetes['namespace_name']`" + ` is an error, and not a field of that name.

## Who chooses the logstore

With a field of the record in ` + "`logstore_key`" + `, **whoever can write that field chooses among all logstores that the AccessKey may
write to**. An application writes the fields of its own log: with ` + "`merge_log on`" + ` a JSON line may bring a map ` + "`kubernetes`" + `, which
stays where the kubernetes filter finds no metadata (the API server is away, or does not know the pod any more).

The application cannot write the tag. Of ` + "`tail`" + ` it comes from the name of the file, which in Kubernetes the kubelet makes: whoever
may name pods chooses ` + "`$TAG['pod']`" + `, but not ` + "`$TAG['namespace']`" + `. Elsewhere ask who writes it: a sender to ` + "`forward`" + ` sends its own
tags, and the filter ` + "`rewrite_tag`" + ` makes tags of fields.

` + "`logstore_allowed`" + ` bounds what either may name: a list such as ` + "`web, team-*`" + `. Any other name, also one that no logstore may have,
goes to ` + "`logstore`" + `, and the metric ` + "`records_not_allowed_total`" + ` counts it.

What SLS itself enforces is the policy of the RAM user alone: [install.md](install.md#ram-policy).

## What Fluent Bit keeps

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
