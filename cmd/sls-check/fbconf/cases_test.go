package fbconf

// fileCase is a configuration that Fluent Bit accepts or refuses. The main file is fluent-bit.conf or fluent-bit.yaml.
type fileCase struct {
	name    string
	files   map[string]string
	refused string // what Read says, "" where it accepts
}

const (
	dummy  = "[INPUT]\n    Name dummy\n"
	output = "[OUTPUT]\n    Name null\n    Match *\n"
)

func classic(content string, more ...string) map[string]string {
	files := map[string]string{"fluent-bit.conf": content}
	for i := 0; i+1 < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

var classicCases = []fileCase{
	{"plain", classic(dummy + output), ""},
	{"empty file", classic(""), ""},
	{"comments alone", classic("# a\n\n#b\n"), ""},
	{"no end of line at the end", classic(dummy + "[OUTPUT]\n    Name null\n    Match *"), ""},
	{"carriage returns", classic("[INPUT]\r\n    Name dummy\r\n\r\n[OUTPUT]\r\n    Name null\r\n    Match *\r\n"), ""},
	{"tabs", classic("[INPUT]\n\tName dummy\n[OUTPUT]\n\tName null\n\tMatch *\n"), ""},
	{"tabs where spaces were", classic(dummy + "[OUTPUT]\n\tName null\n"), "less"},
	{"a tab between key and value", classic(dummy + "[OUTPUT]\n    Name\tnull\n    Match *\n"), "without a value"},
	{"less indented", classic(dummy + "[OUTPUT]\n  Name null\n    Match *\n"), "less"},
	{"more indented", classic(dummy + "[OUTPUT]\n      Name null\n    Match *\n"), "more"},
	{"twice as deep is a group's", classic(dummy + "[OUTPUT]\n        Name null\n        Match *\n"), ""},
	{"not indented", classic("[INPUT]\nName dummy\n" + output), "less"},
	{"not indented, first letter eaten", classic("[INPUT]\nnname dummy\n[OUTPUT]\nnname null\nnMatch *\n"), ""},
	{"a comment less indented", classic(dummy + "  # comment\n" + output), "less"},
	{"a comment more indented", classic(dummy + "      # comment\n" + output), "more"},
	{"a comment at the beginning of the line", classic("[INPUT]\n# comment\n    Name dummy\n" + output), ""},
	{"a comment as deep as the keys", classic(dummy + "    # comment\n" + output), ""},
	{"a comment twice as deep", classic(dummy + "        # comment\n" + output), ""},
	{"a comment first and deeper", classic("[INPUT]\n      # comment\n    Name dummy\n" + output), "less"},
	{"blanks less deep", classic(dummy + "  \n" + output), "less"},
	{"blanks as deep", classic(dummy + "    \n" + output), ""},
	{"blanks deeper", classic(dummy + "      \n" + output), "more"},
	{"blanks first", classic("[INPUT]\n      \n    Name dummy\n" + output), "less"},
	{"a key alone", classic(dummy + "[OUTPUT]\n    Name\n"), "without a value"},
	{"a key and one space", classic(dummy + "[OUTPUT]\n    Name null\n    Match \n"), "empty value"},
	{"a key and two spaces", classic(dummy + "[OUTPUT]\n    Name null\n    Match  \n"), "empty value"},
	{"no ] of a section", classic("[INPUT\n    Name dummy\n"), "]"},
	{"text after the section", classic("[INPUT] # tail\n    Name dummy\n" + output), ""},
	{"a section in another case", classic("[Input]\n    Name dummy\n[outPUT]\n    Name null\n    Match *\n"), ""},
	{"sections cut short", classic("[IN]\n    Name dummy\n[O]\n    Name null\n    Match *\n[S]\n    Flush 1\n"), ""},
	{"sections in the plural", classic("[INPUTS]\n    Name dummy\n[OUTPUTS]\n    Name null\n    Match *\n"), ""},
	{"an unknown section", classic(dummy + "[OUTPT]\n    Name no-such-plugin\n" + output), ""},
	{"a section of blanks", classic(dummy + "[ OUTPUT ]\n    Name no-such-plugin\n" + output), ""},
	{"an empty section name", classic(dummy + "[]\n    Name no-such-plugin\n" + output), ""},
	{"an input without Name", classic("[INPUT]\n    Tag x\n" + output), "no Name"},
	{"two service sections", classic("[SERVICE]\n    Flush 1\n" + dummy + "[SERVICE]\n    Grace 3\n" + output), ""},
	{"a parser in the main file", classic(dummy + "[PARSER]\n    Name x\n" + output), "main configuration"},
	{"a key before the first section", classic("    Name dummy\n" + output), "before the first section"},
	{"an unknown service key", classic("[SERVICE]\n    Storage.Paht /x\n" + dummy + output), ""},

	{"YAML", classic("# comment\n\nservice:\n  flush: 1\n"), "fluent-bit.conf:3: YAML in a file that Fluent Bit reads as the classic format"},
	{"JSON", classic("{\"pipeline\": {}}\n"), "fluent-bit.conf:1: YAML in a file"},
	{"a byte order mark", classic("\xef\xbb\xbf" + dummy + output), "begins with a byte order mark"},
	{"UTF-16", classic("\xff\xfe[\x00I\x00N\x00P\x00U\x00T\x00]\x00\n\x00 \x00 \x00N\x00"), "the file is UTF-16"},
	{"a program", classic("\x7fELF\x02\x01\x01\n\x00\x03\n"), "not text"},
	{"a log", classic("[2026/11/26 09:38:40] [ info] started\n2026-11-26 starts again\n"), ""},

	{"@SET", classic("@SET what=null\n" + dummy + "[OUTPUT]\n    Name ${what}\n    Match *\n"), ""},
	{"@SET after its use", classic(dummy + "[OUTPUT]\n    Name ${what}\n    Match *\n@SET what=null\n"), ""},
	{"@SET without =", classic("@SET what\n" + dummy + output), ""},
	{"@SET alone", classic("@SET\n" + dummy + output), "alone"},
	{"@SET of blanks", classic("@SET   \n" + dummy + output), "nothing but blanks"},
	{"an unknown command", classic("@FOO bar\n" + dummy + output), ""},
	{"@SET indented is a key", classic("[SERVICE]\n    @SET a=b\n" + dummy + output), ""},

	{"@INCLUDE", classic("@INCLUDE in.conf\n"+output, "in.conf", dummy), ""},
	{"@include", classic("@include in.conf\n"+output, "in.conf", dummy), ""},
	{"@INCLUDE of nothing", classic("@INCLUDE in.conf\n" + output), "no such file"},
	{"@INCLUDE with a blank behind", classic("@INCLUDE in.conf \n"+output, "in.conf", dummy), "no such file"},
	{"@INCLUDE in quotes", classic("@INCLUDE \"in.conf\"\n"+output, "in.conf", dummy), "no such file"},
	{"@INCLUDE twice", classic("@INCLUDE in.conf\n@INCLUDE in.conf\n"+output, "in.conf", dummy), "second time, the first is at"},
	{"@INCLUDE of itself", classic("@INCLUDE fluent-bit.conf\n" + dummy + output), "second time: it is the main file"},
	{"@INCLUDE in a circle", classic("@INCLUDE a.conf\n"+dummy+output, "a.conf", "# a\n@INCLUDE b.conf\n", "b.conf", "@INCLUDE a.conf\n"), "b.conf:1: "},
	{"@INCLUDE with a wildcard", classic("@INCLUDE conf.d/*.conf\n", "conf.d/a.conf", dummy, "conf.d/b.conf", output), ""},
	{"@INCLUDE with a wildcard that matches nothing", classic("@INCLUDE conf.d/*.conf\n" + dummy + output), "no file matches"},
	{"@INCLUDE with a wildcard that matches itself", classic("@INCLUDE *.conf\n" + dummy + output), "second time"},
	{"@INCLUDE with a question mark alone", classic("@INCLUDE i?.conf\n"+output, "in.conf", dummy), "no such file"},
	{"@INCLUDE with a set and a wildcard", classic("@INCLUDE [ij]n*.conf\n"+output, "in.conf", dummy), ""},
	{"@INCLUDE leaves hidden files out", classic("@INCLUDE conf.d/*\n"+output, "conf.d/a", dummy, "conf.d/.b", "nonsense"), ""},
	{"@INCLUDE of a directory", classic("@INCLUDE conf.d\n"+dummy+output, "conf.d/a.conf", "nonsense"), ""},
	{"@INCLUDE from an included file, in the directory of the main one", classic("@INCLUDE sub/a.conf\n"+output, "sub/a.conf", "@INCLUDE b.conf\n", "b.conf", dummy), ""},
	{"@INCLUDE from an included file, in its directory", classic("@INCLUDE sub/a.conf\n"+output, "sub/a.conf", "@INCLUDE b.conf\n", "sub/b.conf", dummy), "no such file"},
	{"keys in an included file do not go on with the section", classic("[INPUT]\n@INCLUDE keys.conf\n"+output, "keys.conf", "    Name dummy\n"), "before the first section"},
	{"@INCLUDE within a section does not end it", classic("[INPUT]\n    Name dummy\n@INCLUDE out.conf\n    Tag a\n", "out.conf", output), ""},
	{"an included file has its own indentation", classic("@INCLUDE out.conf\n"+dummy, "out.conf", "[OUTPUT]\n  Name null\n  Match *\n"), ""},
	{"@INCLUDE of YAML", classic("@INCLUDE in.yaml\n"+output, "in.yaml", "pipeline:\n  inputs:\n    - name: dummy\n"), "in.yaml:1: YAML in a file that Fluent Bit reads as the classic format"},

	{"a group without a space behind", classic(dummy + "[OUTPUT]\n    Name null\n    Match *\n    [GROUP]\n        a b\n"), "without a value"},
	{"a group", classic(dummy + "[OUTPUT]\n    Name null\n    Match *\n    [GROUP] \n        a b\n"), ""},
	{"a group without keys", classic(dummy + "[OUTPUT]\n    Name null\n    Match *\n    [GROUP] \n    [OTHER] \n        a b\n"), ""},
	{"a nameless group", classic(dummy + "[OUTPUT]\n    Name null\n    Match *\n    [] \n        Alias b\n"), ""},
}
