package main

import "testing"

func TestSectionOfChanges(t *testing.T) {
	const text = "# Changes\n\n## Unreleased\n\n- new\n\n## v1.2.3 (2026-11-26)\n\n- one\n  more\n- two\n\n## v1.2\n\n- old\n\n## v1.1.0\n"
	for version, want := range map[string]string{"v1.2.3": "- one\n  more\n- two\n", "v1.2": "- old\n", "v1.1.0": "", "v1.2.4": "", "v1": ""} {
		got, err := section(text, version)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
}
