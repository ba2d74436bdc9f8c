package encoder

import "strings"

// tagPart is a part of a tag: the one of that number, or one of those below.
type tagPart int

const (
	wholeTag tagPart = -1 - iota
	tagNamespace
	tagPod
	tagContainer
)

// namedTagParts are the parts of the tag that tail makes of the log file of a container:
//
//	kube.var.log.containers.<pod>_<namespace>_<container>-<id>.log
//
// The numbered parts of that tag are of no use: the name of a pod may contain dots.
var namedTagParts = map[string]tagPart{"namespace": tagNamespace, "pod": tagPod, "container": tagContainer}

// of returns the part of a tag; empty: the tag has no such part.
func (p tagPart) of(tag string) string {
	switch {
	case p == wholeTag:
		return tag
	case p >= 0:
		return numberedPart(tag, int(p))
	}
	pod, namespace, container := containerOf(tag)
	switch p {
	case tagNamespace:
		return namespace
	case tagPod:
		return pod
	}
	return container
}

// numberedPart returns the n-th of the parts that dots separate; the first is number 0.
func numberedPart(tag string, n int) string {
	for ; n > 0; n-- {
		_, rest, found := strings.Cut(tag, ".")
		if !found {
			return ""
		}
		tag = rest
	}
	part, _, _ := strings.Cut(tag, ".")
	return part
}

const (
	// containerFolder is the folder of the links that the kubelet makes, in a tag.
	containerFolder = "var.log.containers."
	// containerIDBytes is the length of a container's id.
	containerIDBytes = 64
)

// containerOf returns what the tag of a container's log says; all are empty if it has
// another form. The name of a pod may contain dots, but neither it nor the others have _:
// whoever names a pod cannot write a namespace into it (Kubernetes, "Object Names and
// IDs"; the regular expression of Fluent Bit's filter, 5.1.1,
// plugins/filter_kubernetes/kube_regex.h, takes the same files).
func containerOf(tag string) (pod, namespace, container string) {
	start := strings.Index(tag, containerFolder)
	for start > 0 && tag[start-1] != '.' {
		next := strings.Index(tag[start+1:], containerFolder)
		if next < 0 {
			return "", "", ""
		}
		start += 1 + next
	}
	if start < 0 {
		return "", "", ""
	}
	file, isLog := strings.CutSuffix(tag[start+len(containerFolder):], ".log")
	pod, rest, _ := strings.Cut(file, "_")
	namespace, rest, found := strings.Cut(rest, "_")
	idStart := len(rest) - containerIDBytes
	if !isLog || !found || idStart < 2 || rest[idStart-1] != '-' || !isLabel(rest[idStart:], "") {
		return "", "", ""
	}
	container = rest[:idStart-1]
	if !isLabel(pod, "-.") || !isLabel(namespace, "-") || !isLabel(container, "-") {
		return "", "", ""
	}
	return pod, namespace, container
}

// isLabel tells whether a name has only lower-case letters, digits and those characters.
func isLabel(name, others string) bool {
	for i := range len(name) {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return name != ""
}
