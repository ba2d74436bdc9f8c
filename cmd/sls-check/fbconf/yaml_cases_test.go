package fbconf

func yamlFiles(content string, more ...string) map[string]string {
	files := map[string]string{"fluent-bit.yaml": content}
	for i := 0; i+1 < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

const (
	yamlIn   = "  inputs:\n    - name: dummy\n"
	yamlOut  = "  outputs:\n    - name: 'null'\n      match: '*'\n"
	pipeline = "pipeline:\n" + yamlIn + yamlOut
)

var yamlCases = []fileCase{
	{"plain", yamlFiles(pipeline), ""},
	{"empty file", yamlFiles(""), ""},
	{"comments alone", yamlFiles("# a\n"), ""},
	{"two documents", yamlFiles("service:\n  flush: 1\n---\n" + pipeline), ""},
	{"an empty document", yamlFiles("---\n---\n" + pipeline), "map"},
	{"a list at the top", yamlFiles("- a\n"), "the file is not"},
	{"a value at the top", yamlFiles("a\n"), "the file is not"},
	{"a tab", yamlFiles("pipeline:\n\tinputs:\n"), "fluent-bit.yaml:2: a tab in the indentation"},
	{"a tab behind spaces", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n  \t  tag: x\n"), "fluent-bit.yaml:4: a tab in the indentation"},
	{"a tab within a value", yamlFiles("service:\n  log_level: \"info\n\t\"x\n" + pipeline), "no valid YAML"},
	{"the classic format", yamlFiles(dummy + output), "the classic format in a file that Fluent Bit reads as YAML"},
	{"the classic format, a section alone", yamlFiles("[SERVICE]\n"), "the classic format in a file that Fluent Bit reads as YAML"},
	{"the classic format, included", yamlFiles("includes:\n  - in.yaml\n"+pipeline, "in.yaml", "# comment\n\n@SET a=b\n"), "in.yaml:3: the classic format in a file"},
	{"a byte order mark", yamlFiles("\xef\xbb\xbf" + pipeline), ""},
	{"a program", yamlFiles("\x7fELF\x02\x01\x01\x00\x00\n\x00\x03\x00\n"), "not text"},
	{"a missing colon", yamlFiles("service\n  flush: 1\n" + pipeline), "no valid YAML"},
	{"an open quote", yamlFiles("service:\n  log_level: \"info\n" + pipeline), "no valid YAML"},
	{"a value that begins with a star", yamlFiles("pipeline:\n" + yamlIn + "  outputs:\n    - name: 'null'\n      match: *\n"), "no valid YAML"},
	{"an unknown anchor", yamlFiles("pipeline:\n" + yamlIn + "  outputs:\n    - name: 'null'\n      match: *secret\n"), "names no anchor"},
	{"an alias", yamlFiles("service:\n  log_level: &level info\n  flush: 1\npipeline:\n" + yamlIn + "  outputs:\n    - name: 'null'\n      match: '*'\n      log_level: *level\n"), "alias"},
	{"an anchor alone", yamlFiles("service:\n  log_level: &level info\n" + pipeline), ""},
	{"a merge", yamlFiles("pipeline:\n  inputs:\n    - &in\n      name: dummy\n    - <<: *in\n      tag: x\n" + yamlOut), "alias"},
	{"sections in another case", yamlFiles("Service:\n  flush: 1\nPipeline:\n  Inputs:\n    - name: dummy\n  OUTPUTS:\n    - name: 'null'\n      match: '*'\n"), ""},
	{"an unknown section", yamlFiles("servce:\n  flush: 1\n" + pipeline), ""},
	{"an unknown section with a list", yamlFiles("outputs:\n  - name: 'null'\n" + pipeline), "outputs is not"},
	{"an unknown section with a map in it", yamlFiles("other:\n  a:\n    b: c\n" + pipeline), "key a of other"},
	{"an input at the top", yamlFiles("input:\n  name: dummy\n" + pipeline), ""},
	{"extensions", yamlFiles("extensions:\n  a:\n    b: [c, {d: e}]\n" + pipeline), ""},

	{"service empty", yamlFiles("service:\n" + pipeline), "service is not"},
	{"service twice", yamlFiles("service:\n  flush: 1\nservice:\n  grace: 1\n" + pipeline), "second time"},
	{"service with a list", yamlFiles("service:\n  parsers_file:\n    - a\n" + pipeline), "key parsers_file of service"},
	{"service nested", yamlFiles("service:\n  storage:\n    path: /tmp\n" + pipeline), "only telemetry"},
	{"service telemetry", yamlFiles("service:\n  telemetry:\n    metrics:\n      logs:\n        tag_records:\n          enabled: true\n" + pipeline), ""},
	{"service with an empty value", yamlFiles("service:\n  log_file:\n" + pipeline), ""},
	{"service with a value of blanks", yamlFiles("service:\n  log_file: '  '\n" + pipeline), ""},
	{"service camelCase", yamlFiles("service:\n  logLevel: info\n" + pipeline), ""},

	{"env", yamlFiles("env:\n  what: 'null'\npipeline:\n" + yamlIn + "  outputs:\n    - name: ${what}\n      match: '*'\n"), ""},
	{"env after its use", yamlFiles("pipeline:\n" + yamlIn + "  outputs:\n    - name: ${what}\n      match: '*'\nenv:\n  what: 'null'\n"), ""},
	{"env empty", yamlFiles("env:\n" + pipeline), "env is not"},
	{"env nested", yamlFiles("env:\n  a:\n    b: c\n" + pipeline), "variable a of env"},
	{"env as a list", yamlFiles("env:\n  - name: what\n    value: 'null'\npipeline:\n" + yamlIn + "  outputs:\n    - name: ${what}\n      match: '*'\n"), ""},
	{"env as a short list", yamlFiles("env:\n  - what: 'null'\npipeline:\n" + yamlIn + "  outputs:\n    - name: ${what}\n      match: '*'\n"), ""},
	{"env as a list of values", yamlFiles("env:\n  - what\n" + pipeline), "an entry of env"},
	{"env from a file that is missing", yamlFiles("env:\n  what: file:///no/such/file\n" + pipeline), "cannot be read"},
	{"env from a uri that is missing", yamlFiles("env:\n  - name: what\n    uri: file:///no/such/file\n" + pipeline), "cannot be read"},

	{"includes", yamlFiles("includes:\n  - in.yaml\npipeline:\n"+yamlOut, "in.yaml", "pipeline:\n"+yamlIn), ""},
	{"includes of nothing", yamlFiles("includes:\n  - in.yaml\n" + pipeline), "no such file"},
	{"includes as a value", yamlFiles("includes: in.yaml\n"+pipeline, "in.yaml", ""), "includes is not"},
	{"includes twice", yamlFiles("includes:\n  - in.yaml\n  - in.yaml\npipeline:\n"+yamlOut, "in.yaml", "pipeline:\n"+yamlIn), "second time, the first is at"},
	{"includes twice by other names", yamlFiles("includes:\n  - in.yaml\n  - ./in.yaml\npipeline:\n"+yamlOut, "in.yaml", "pipeline:\n"+yamlIn), ""},
	{"includes with a wildcard", yamlFiles("includes:\n  - conf.d/*.yaml\n", "conf.d/a.yaml", "pipeline:\n"+yamlIn, "conf.d/b.yaml", "pipeline:\n"+yamlOut), ""},
	{"includes with a wildcard that matches nothing", yamlFiles("includes:\n  - conf.d/*.yaml\n" + pipeline), ""},
	{"includes with a full wildcard that matches nothing", yamlFiles("includes:\n  - /no/such/*.yaml\n" + pipeline), "no file matches"},
	{"includes with a wildcard that matches itself", yamlFiles("includes:\n  - '*.yaml'\n" + pipeline), "second time"},
	{"includes from an included file, in its directory", yamlFiles("includes:\n  - sub/a.yaml\npipeline:\n"+yamlOut, "sub/a.yaml", "includes:\n  - b.yaml\n", "sub/b.yaml", "pipeline:\n"+yamlIn), ""},
	{"includes from an included file, in the directory of the main one", yamlFiles("includes:\n  - sub/a.yaml\npipeline:\n"+yamlOut, "sub/a.yaml", "includes:\n  - b.yaml\n", "b.yaml", "pipeline:\n"+yamlIn), "no such file"},
	{"service in two files", yamlFiles("includes:\n  - a.yaml\nservice:\n  flush: 1\n"+pipeline, "a.yaml", "service:\n  grace: 1\n"), "second time"},

	{"pipeline empty", yamlFiles("pipeline:\n"), "pipeline is not"},
	{"pipeline with an unknown key", yamlFiles(pipeline + "  output:\n    - name: 'null'\n"), "key output"},
	{"inputs empty", yamlFiles("pipeline:\n  inputs:\n" + yamlOut), "inputs is not"},
	{"outputs as a map", yamlFiles("pipeline:\n" + yamlIn + "  outputs:\n    name: 'null'\n"), "outputs is not"},
	{"an entry that is a value", yamlFiles("pipeline:\n  inputs:\n    - dummy\n" + yamlOut), "an entry of inputs"},
	{"an input without name", yamlFiles("pipeline:\n  inputs:\n    - tag: x\n" + yamlOut), "no Name"},
	{"Name in another case", yamlFiles("pipeline:\n  inputs:\n    - Name: dummy\n" + yamlOut), ""},
	{"an empty value", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      dummy:\n" + yamlOut), ""},
	{"a value of blanks", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      alias: '  '\n" + yamlOut), "blanks alone"},
	{"a list", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      tag: [a, b]\n" + yamlOut), ""},
	{"an empty list", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      tag: []\n" + yamlOut), "empty list"},
	{"a list of lists", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      tag: [[a], b]\n" + yamlOut), "key tag"},
	{"a map", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      storage:\n        type: filesystem\n" + yamlOut), "is a map"},
	{"processors", yamlFiles("pipeline:\n  inputs:\n    - name: dummy\n      processors:\n        logs:\n          - name: content_modifier\n            action: insert\n            key: a\n            value: b\n" + yamlOut), ""},
	{"plugins missing", yamlFiles("plugins:\n  - /no/such/plugin.so\npipeline:\n  inputs:\n    - name: dummy\n" + yamlOut), ""}, // found out by the checks
	{"plugins as a map", yamlFiles("plugins:\n  path: /x.so\n" + pipeline), "plugins is not"},
	{"parsers", yamlFiles("parsers:\n  - name: x\n    format: json\n" + pipeline), ""},
	{"parsers as a map", yamlFiles("parsers:\n  name: x\n  format: json\n" + pipeline), "parsers is not"},
	{"customs empty", yamlFiles("customs: []\n" + pipeline), ""},
}
