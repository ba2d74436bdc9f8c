package encoder

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// containerID is as long as those of container runtimes.
var containerID = strings.Repeat("0123456789abcdef", 4)

// podTag is the tag that tail makes of a container's log.
func podTag(pod, namespace, container string) string {
	return "kube.var.log.containers." + pod + "_" + namespace + "_" + container + "-" + containerID + ".log"
}

func TestTagParts(t *testing.T) {
	web := podTag("web-0", "shop", "app")
	dotted := podTag("a.var.log.containers.b", "shop", "side-car")
	for _, row := range []struct{ tag, accessor, want string }{
		{"app.web", "$TAG", "app.web"},
		{"app.web", "$TAG[0]", "app"},
		{"app.web", "$TAG[1]", "web"},
		{"app.web", "$TAG[2]", ""},
		{"app", "$TAG[0]", "app"},
		{"app", "$TAG[1]", ""},
		{"", "$TAG", ""},
		{"", "$TAG[0]", ""},
		{"..", "$TAG[1]", ""},
		{"a..b", "$TAG[1]", ""},
		{"a..b", "$TAG[2]", "b"},
		{"a.b\nc.d", "$TAG[1]", "b\nc"},
		{".a", "$TAG[1]", "a"},
		{"app.web", "$TAG[2147483648]", ""},
		{"app.web", "x-$TAG[1]-$TAG[0]", "x-web-app"},
		{"app.web", "x-$TAG[1]-$TAG[2]", ""},
		{web, "$TAG['namespace']", "shop"},
		{web, "$TAG['pod']", "web-0"},
		{web, "$TAG['container']", "app"},
		{web, "k8s-$TAG['namespace']-logs", "k8s-shop-logs"},
		{strings.TrimPrefix(web, "kube."), "$TAG['namespace']", "shop"},
		{dotted, "$TAG['namespace']", "shop"},
		{dotted, "$TAG['pod']", "a.var.log.containers.b"},
		{dotted, "$TAG['container']", "side-car"},
		{podTag("a", "b", "c"), "$TAG['pod']$TAG['namespace']$TAG['container']", "abc"},
		{"xvar.log.containers." + strings.TrimPrefix(web, "kube.var.log.containers."), "$TAG['namespace']", ""},
		{"xvar.log.containers.y." + web, "$TAG['namespace']", "shop"},
		// Of another form: an underscore more, or less, or what Kubernetes does not allow in a name.
		{podTag("web_victim", "shop", "app"), "$TAG['namespace']", ""},
		{podTag("web", "shop", "a_b"), "$TAG['namespace']", ""},
		{podTag("", "shop", "app"), "$TAG['namespace']", ""},
		{podTag("web", "", "app"), "$TAG['namespace']", ""},
		{podTag("web", "shop", ""), "$TAG['namespace']", ""},
		{podTag("web", "sh.op", "app"), "$TAG['namespace']", ""},
		{podTag("web", "Shop", "app"), "$TAG['namespace']", ""},
		{podTag("web", "shop\n", "app"), "$TAG['namespace']", ""},
		{podTag("web", "../..", "app"), "$TAG['namespace']", ""},
		{web + "x", "$TAG['namespace']", ""},
		{web + ".log", "$TAG['namespace']", ""},
		{strings.Replace(web, "-0123", "-123", 1), "$TAG['namespace']", ""},
		{strings.Replace(web, "-0123", "-_123", 1), "$TAG['namespace']", ""},
		{strings.Replace(web, "-0123", "--123", 1), "$TAG['namespace']", ""},
		{"kube.var.log.containers.oddname.log", "$TAG['namespace']", ""},
		{"kube.var.log.pods.shop_web-0_uid.app.0.log", "$TAG['namespace']", ""},
		{strings.Repeat("_", 1<<20), "$TAG['namespace']", ""},
		{strings.Repeat(".", 1<<20) + "x", "$TAG[1048576]", "x"},
		{strings.Repeat("var.log.containers.", 50_000), "$TAG['namespace']", ""},
		{strings.Repeat("xvar.log.containers.", 50_000), "$TAG['namespace']", ""},
		{strings.Repeat("é", 1<<19), "$TAG", strings.Repeat("é", maxFieldBytes/2)},
		{strings.Repeat("é", 1<<19), "x$TAG", "x" + strings.Repeat("é", maxFieldBytes/2-1)},
	} {
		e := newEncoder(t, Options{KeyField: row.accessor, RouteField: row.accessor})
		var b Batch
		e.Append(&b, bytes.Repeat(eventOf([]byte("\x81\xa3TAG\xa6victim")), 2), row.tag)
		for i := range b.Records {
			key, route := string(b.Bytes(b.Records[i].Key)), string(b.Bytes(b.Records[i].Route))
			if key != row.want || route != row.want || len(b.Records) != 2 {
				t.Errorf("%s of %.100q: key %.100q, route %.100q, want %.100q", row.accessor, row.tag, key, route, row.want)
			}
		}
	}
}

// A record can write no part of the tag, and one accessor that gives nothing makes all of
// the template give nothing.
func TestTemplatesOfRecords(t *testing.T) {
	for _, row := range []struct{ record, accessor, want string }{
		{"\x81\xa3TAG\xa1x", "$TAG[1]", "web"},
		{"\x81\xa3TAG\x92\xa1x\xa1y", "$TAG[1]", "web"},
		{"\x81\xa3TAG\xa1x", "TAG", "x"},
		{"\x81\xa1a\xa1x", "$TAG[1]-$a", "web-x"},
		{"\x81\xa1a\xa1x", "$TAG[0]$a['b']", ""},
		{"\x81\xa1a\xa1x", "$TAG[1]-$b", ""},
		{"\x81\xa1a\xa1x", "$TAG[2]$a", ""},
		{"\x81\xa1a\xa0", "y-$a", ""},
		{"\x81\xa1a\xc0", "y-$a", ""},
		{"\x81\xa1a\xc3", "y-$a", "y-true"},
		{"\x81\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "y-$a", ""},
		{"\x81\xa1a\x81\xa1b\x07", "$a['b']-x", "7-x"},
		{"\x82\xa1a\xa1x\xa1b\xa1y", "$b-$a", ""}, // b- is a name
		{"\x82\xa1a\xa1x\xa1b\xa1y", "$b/$a/$TAG[0]", "y/x/app"},
		{"\x82\xa2ab\xa1x\xa2ab\xa1y", "$ab$TAG[1]", "yweb"},
		{"\xa4text", "$log$TAG[1]", "textweb"},
	} {
		for _, o := range []Options{{}, {Format: FormatRaw, RawKey: "a"}} {
			o.KeyField, o.RouteField = row.accessor, row.accessor
			e := newEncoder(t, o)
			var b Batch
			e.Append(&b, eventOf([]byte(row.record)), "app.web")
			if len(b.Records) != 1 {
				t.Fatal(b.Rejects)
			}
			key, route := string(b.Bytes(b.Records[0].Key)), string(b.Bytes(b.Records[0].Route))
			if key != row.want || route != row.want {
				t.Errorf("%s of %q: key %q, route %q, want %q", row.accessor, row.record, key, route, row.want)
			}
		}
	}
}

// What a template makes of the tag alone is there once in a step, however often the batch
// is reset, and takes no step's room.
func TestTagRouteInSteps(t *testing.T) {
	e := newEncoder(t, Options{RouteField: "k8s-$TAG[1]"})
	chunk := bytes.Repeat(eventOf([]byte("\x81\xa1a\x01")), 10)
	var b Batch
	e.Begin(&b, chunk, "app.web", time.Time{})
	defer b.End()
	steps := 0
	for at := (Position{}); at.Offset < len(chunk); steps++ {
		if steps%3 == 0 {
			b.Reset()
		}
		before := len(b.Records)
		at = e.AppendSome(&b, chunk, at, b.usedBytes()+1)
		if len(b.Records) != before+1 {
			t.Fatalf("%d records in a step", len(b.Records)-before)
		}
		for _, r := range b.Records {
			if route := string(b.Bytes(r.Route)); route != "k8s-web" {
				t.Errorf("route %q", route)
			}
		}
	}
	b.Reset()
	e.AppendSome(&b, chunk, Position{}, 1<<20)
	if n := bytes.Count(b.Buf, []byte("k8s-web")); n != 1 || len(b.Records) != 10 {
		t.Errorf("the route of %d records is there %d times: %s", len(b.Records), n, b.Buf)
	}
}

// FuzzTemplate: whatever the text, nothing panics; what can be parsed gives at most
// maxFieldBytes, and without fields only what the tag says, whatever the record.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "log", "$log", "$a['b'][0]", "$TAG", "$TAG[1]", "$TAG['namespace']", "k8s-$TAG['pod']-$a['it''s']$b", "$a$", "$TAG[1][2]", "a[0]", "$tag", "$a['", "$a[99999999999"} {
		for _, tag := range []string{"", "app.web", podTag("web", "shop", "app"), "..", "\xff.\n"} {
			f.Add(text, tag, []byte("\x82\xa1a\x81\xa1b\x91\xa1x\xa3log\xa1y"))
		}
	}
	f.Fuzz(func(t *testing.T, text, tag string, record []byte) {
		parsed, err := ParseTemplate(text)
		if err != nil {
			if parsed.pieces != nil || err.Error() == "" {
				t.Errorf("%v, and error %v", parsed, err)
			}
			return
		}
		e := newEncoder(t, Options{KeyField: text, RouteField: text})
		chunk := eventOf(record)
		var b Batch
		e.Append(&b, append(bytes.Clone(chunk), chunk...), tag)
		for _, r := range b.Records {
			key, route := b.Bytes(r.Key), b.Bytes(r.Route)
			if !bytes.Equal(key, route) || len(key) > maxFieldBytes {
				t.Errorf("key %q, route %q", key, route)
			}
			if len(key) > 0 && len(e.fillers[keyTemplate].fields) == 0 && len(key) < maxFieldBytes && string(key) != wantOfTag(parsed, tag) {
				t.Errorf("%q of tag %q gives %q", text, tag, key)
			}
		}
		checkBatch(t, e, &b)
	})
}

// wantOfTag is what a template without fields gives.
func wantOfTag(t Template, tag string) (s string) {
	for _, p := range t.pieces {
		s += p.text
		if p.kind == tagPiece && p.part >= 0 {
			s += strings.Split(tag, ".")[p.part]
		} else if p.kind == tagPiece {
			s += p.part.of(tag)
		}
	}
	return s
}
