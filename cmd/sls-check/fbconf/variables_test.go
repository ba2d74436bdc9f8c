package fbconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	env := map[string]string{"A": "one", "B": "two", "EMPTY": ""}
	for _, c := range []struct {
		text, want string
		unset      []string
	}{
		{"plain", "plain", nil},
		{"", "", nil},
		{"${A}", "one", nil},
		{"x${A}y${B}z", "xoneytwoz", nil},
		{"${NONE}", "", []string{"NONE"}},
		{"${EMPTY}", "", []string{"EMPTY"}},
		{"${NONE:-other}", "other", nil},
		{"${EMPTY:-other}", "other", nil},
		{"${A:-other}", "one", nil},
		{"${NONE:-}", "", nil},
		{"${NONE:other}", "", []string{"NONE:other"}},
		{"${NONE:-a:-b}", "a:-b", nil},
		{"$A {A} $", "$A {A} $", nil},
		{"${A", "${A", nil},
		{"${}", "${}", nil},
		{"a}${A}", "a}${A}", nil},
		// Where something was replaced, what is not closed cuts the text off.
		{"${A} and ${B", "one", nil},
		{"${A} and ${} then", "one then", nil},
		{"${A}}${B}", "one${B}", nil},
		{"${A}${DEFINED}", "onethree", nil},
	} {
		v := newVariables(func(name string) string { return env[name] }, &budget{left: maxBytes})
		if err := v.set(setting{name: "DEFINED", value: "three", Place: Place{"f", 1}}); err != nil {
			t.Fatal(err)
		}
		got, found := v.replace(c.text)
		p := Property{Variables: found}
		if got != c.want || !slices.Equal(p.Unset(), c.unset) {
			t.Errorf("replace(%q) = %q, unset %q; want %q, %q", c.text, got, p.Unset(), c.want, c.unset)
		}
	}
}

func TestVariableFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "value")
	for content, want := range map[string]string{"v": "v", "v\n": "v", "v\n\n": "v\n", " v ": " v ", "": "", "\n": ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		v := newVariables(noEnv, &budget{left: maxBytes})
		err := v.set(setting{name: "X", value: "file://" + path})
		if (err != nil) != (want == "") {
			t.Errorf("file of %q: %v", content, err)
		}
		got, found := v.replace("${X}")
		if got != want {
			t.Errorf("file of %q: value %q, want %q", content, got, want)
		}
		if len(found) != 1 || found[0].Written != (Place{}) {
			t.Errorf("file of %q: %+v, want one variable that is not written in the configuration", content, found)
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string // file:line key=value of all outputs' keys
	}{
		{"classic", classic("# one\n@SET where=there\n@SET blank = x\n[OUTPUT]\n    Name   \"null\" \t\n    Match *  # no comment\n    Topic ${where}-${blank}-${HERE}\n\n    TOPIC again\n"), []string{
			`fluent-bit.conf:5 name="null"`, `fluent-bit.conf:6 match=*  # no comment`, `fluent-bit.conf:7 topic=there--here`, `fluent-bit.conf:9 topic=again`,
		}},
		{"classic, included", classic("[OUTPUT]\n    Name a\n@INCLUDE b.conf\n    Match *\n", "b.conf", "\n[OUTPUT]\n  Name b\n"), []string{
			"fluent-bit.conf:2 name=a", "fluent-bit.conf:4 match=*", "b.conf:3 name=b",
		}},
		{"yaml", yamlFiles("env:\n  where: there\npipeline:\n  outputs:\n    - name: \"null\" # comment\n      Match: ' * '\n      camelCase: ${where}${HERE}\n      snake_Case: 1\n      Other_Case: true\n      list: [a, 'b ']\n      empty:\n"), []string{
			"fluent-bit.yaml:5 name=null", "fluent-bit.yaml:6 Match=*", "fluent-bit.yaml:7 camel_case=therehere", "fluent-bit.yaml:8 snake_case=1",
			"fluent-bit.yaml:9 Other_Case=true", "fluent-bit.yaml:10 list=a", "fluent-bit.yaml:10 list=b ", "fluent-bit.yaml:11 empty=",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read(write(t, c.files), func(name string) string { return map[string]string{"HERE": "here"}[name] })
			if err != nil {
				t.Fatal(err)
			}
			var values []string
			for _, s := range got.Of(Output) {
				for _, p := range s.Properties {
					p.File = filepath.Base(p.File)
					values = append(values, p.Place.String()+" "+p.Key+"="+p.Value)
				}
			}
			if !slices.Equal(values, c.want) {
				t.Errorf("got  %q\nwant %q", values, c.want)
			}
		})
	}
}

func TestRemarks(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"the blank before =":             classic("@SET a = b\n"),
		"@SET without =":                 classic("@SET a\n"),
		"not a command":                  classic("@FOO a\n"),
		"is a directory":                 classic("@INCLUDE d\n", "d/a.conf", ""),
		"no file matches":                yamlFiles("includes:\n  - none/*.yaml\n"),
		"@SET has no effect: variable a": classic("@SET a=file:///no/such/file\n"),
	} {
		c, err := Read(write(t, files), noEnv)
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if len(c.Remarks) != 1 || !strings.Contains(c.Remarks[0].Problem, want) || c.Remarks[0].Advice == "" || c.Remarks[0].Line == 0 {
			t.Errorf("remarks %+v, want one about %q", c.Remarks, want)
		}
	}
}
