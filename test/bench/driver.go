package main

import (
	"errors"
	"fmt"

	"out_sls_kafka/test/run"
)

// driver is the program that loads the outputs: Fluent Bit, or the bundled host
// where there is none.
type driver struct {
	name string // as the document has it
	path string
	args []string // besides the shared object and the configuration
	// idle is the shared object of an output that does nothing, for the bundled
	// host; "" is Fluent Bit, which has one.
	idle string
}

func (d *driver) isFluentBit() bool { return d.idle == "" }

// findDriver finds Fluent Bit, or builds the bundled host.
func findDriver(builds *run.Builds) (*driver, error) {
	path, err := run.FluentBit()
	if err == nil {
		version, err := run.Version(path)
		return &driver{name: version, path: path}, err
	}
	if !errors.Is(err, run.ErrNoFluentBit) {
		return nil, err
	}
	d := &driver{name: fmt.Sprintf("the bundled host, for there is %v: no comparison with Fluent Bit's outputs", err), args: []string{"-n"}}
	if d.path, err = builds.Host("-O2"); err != nil {
		return nil, err
	}
	d.idle, err = builds.C("test/host/testplugin", "-shared", "-fPIC")
	return d, err
}

// object is the shared object that has the contender; Fluent Bit is given the
// plugin's always, so that its floor has the cost of loading it.
func (b *bench) object(c contender) string {
	if c == floor && !b.driver.isFluentBit() {
		return b.driver.idle
	}
	return b.plugin
}

// contenders are those that can be measured in addition to the floor.
func (b *bench) contenders() []contender {
	if b.driver.isFluentBit() {
		return []contender{builtin, ours}
	}
	return []contender{ours}
}

// leftOut is what the document says of a scenario that only Fluent Bit can play.
func leftOut(scenario string) string {
	return fmt.Sprintf("### %s: left out: it needs Fluent Bit, on PATH or named by FLUENT_BIT\n", scenario)
}
