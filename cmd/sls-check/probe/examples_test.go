package probe

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"out_sls_kafka/test/sls"
)

var update = flag.Bool("update", false, "write the example reports again")

// Example reports: what a probe finds at each of the services that SLS may be. The one of Apache Kafka is made by
// test/kafka.
func TestExampleReports(t *testing.T) {
	for _, profile := range sls.Profiles() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			ca, err := sls.NewCA()
			if err != nil {
				t.Fatal(err)
			}
			o := sls.Options{CA: ca}
			if err := o.SetProfile(profile); err != nil {
				t.Fatal(err)
			}
			target := targetOf(t, start(t, o))
			elsewhere := o
			elsewhere.Logstores = []string{"another"}
			target.Other, target.STS, target.Sizes = start(t, elsewhere).Addr(), "sts#secret#token", true
			r := run(t, target)
			r.Date, r.Version, r.Look = "2026-01-01T00:00:00Z", "dev", strings.ReplaceAll(r.Look, r.Marker, "MARK")
			var b strings.Builder
			if err := r.WriteMarkdown(&b); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", profile+".md")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("the report is not %s, which -update writes again:\n%s", path, b.String())
			}
		})
	}
}
