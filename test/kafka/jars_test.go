//go:build kafka

package kafka

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// fetchBroker returns a directory with the jars of the Kafka that pom.xml
// names. Maven fetches them once; the copy of pom.xml in the same
// directory, written last, says that all are there and which pom.xml named them.
func fetchBroker() (jars string, err error) {
	pom, err := os.ReadFile("pom.xml")
	if err != nil {
		return "", err
	}
	var project struct {
		Version string `xml:"properties>kafka.version"`
	}
	if err := xml.Unmarshal(pom, &project); err != nil || project.Version == "" {
		return "", fmt.Errorf("pom.xml: no property kafka.version (%v)", err)
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep Kafka's jars: %w", err)
	}
	cache := filepath.Join(user, "out_sls_kafka")
	jars = filepath.Join(cache, "kafka-"+project.Version)
	if kept, err := os.ReadFile(filepath.Join(jars, "pom.xml")); err == nil && bytes.Equal(kept, pom) {
		return jars, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // gone if all went well
	fmt.Printf("fetching Apache Kafka %s from Maven Central into %s\n", project.Version, jars)
	mvn := exec.Command("mvn", "-B", "-q", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory="+fresh)
	if out, err := mvn.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("mvn is not installed; it fetches Apache Kafka from Maven Central (Debian: apt-get install maven)")
		}
		return "", fmt.Errorf("Apache Kafka %s cannot be fetched from Maven Central, and these tests need it: %w\n%s", project.Version, err, out)
	}
	if err := os.WriteFile(filepath.Join(fresh, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	if err := os.RemoveAll(jars); err != nil {
		return "", err
	}
	return jars, os.Rename(fresh, jars)
}
