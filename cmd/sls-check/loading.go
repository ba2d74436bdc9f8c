package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"out_sls_kafka/cmd/sls-check/fbconf"
)

// library is a shared object that Fluent Bit is to load.
type library struct {
	fbconf.Place
	path string
}

// checkLoading looks for the shared object where the configuration says it is, on this machine.
func (c *check) checkLoading() {
	libraries, known := c.libraries()
	ours := false
	for _, l := range libraries {
		ours = ours || strings.Contains(filepath.Base(l.path), pluginName)
		c.checkLibrary(l)
	}
	if known && !ours && len(c.outputs) > 0 {
		c.note(c.outputs[0].Place, "the configuration does not load the plugin", "Fluent Bit must be told where it is.", "start Fluent Bit with -e /path/out_sls_kafka.so, or name a file with Plugins_File in [SERVICE]")
	}
}

func (c *check) checkLibrary(l library) {
	if !strings.Contains(l.path, "/") {
		return // sought where the system's libraries are
	}
	if c.missing(l.path) {
		c.noteMissing(l.Place, l.path)
		return
	}
	info, err := os.Stat(c.here(l.path))
	const why = "Fluent Bit ends where a plugin cannot be loaded."
	switch {
	case errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(l.path):
		c.warn(l.Place, l.path+" does not exist from here", why+" The path counts from the directory that Fluent Bit starts in.", "write the whole path")
	case err != nil:
		c.fail(l.Place, l.path+" cannot be found on this machine: "+reason(err), why, "put the plugin there, fix the path, or examine the configuration where Fluent Bit runs")
	case info.IsDir():
		c.fail(l.Place, l.path+" is a directory", why, "name the file, such as "+filepath.Join(l.path, "out_sls_kafka.so"))
	case strings.HasPrefix(filepath.Base(l.path), "flb-") && strings.Contains(l.path, pluginName):
		c.fail(l.Place, "the name of "+l.path+" begins with flb-", "Fluent Bit takes such a file for a plugin in C, and cannot load it.", "call it out_sls_kafka.so")
	}
}

// libraries are all shared objects that the configuration names; known is false where a file of them cannot be read.
func (c *check) libraries() (all []library, known bool) {
	for _, s := range c.config.Of(fbconf.Plugins) {
		for _, p := range s.Properties {
			if c.config.YAML {
				all = append(all, library{p.Place, p.Key})
				continue
			}
			c.fail(p.Place, "[PLUGINS] stands in the main configuration", "Fluent Bit takes each key here for the path of a plugin, and ends.", "move the section to a file of its own and name that with Plugins_File in [SERVICE]")
		}
	}
	known = true
	for _, p := range c.service.Properties {
		if strings.EqualFold(p.Key, "plugins_file") {
			named, err := c.pluginsFile(p)
			all, known = append(all, named...), known && err == nil
		}
	}
	return all, known
}

// pluginsFile reads a file of [PLUGINS], which is sought where Fluent Bit runs and then in the directory of the configuration.
func (c *check) pluginsFile(p fbconf.Property) ([]library, error) {
	if c.missing(p.Value) {
		c.noteMissing(p.Place, p.Value)
		return nil, fs.ErrNotExist
	}
	path := c.here(p.Value)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.config.Files[0]), path)
	}
	file, err := fbconf.ReadPlugins(path)
	if fault, ok := errors.AsType[*fbconf.Error](err); ok {
		at := fault.Place
		if at.Line == 0 { // the file as a whole
			at = p.Place
		}
		do := fault.Advice
		if filepath.Ext(path) == ".so" {
			do = "write a file with a section [PLUGINS] and Path " + path + " in it, and name that file"
		}
		c.fail(at, "Plugins_File on this machine: "+fault.Problem, "Fluent Bit ends.", do)
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		c.warn(p.Place, "Plugins_File is a directory, and none of its files is read", "Fluent Bit reads on without it.", "name the file in it, such as "+filepath.Join(path, "plugins.conf"))
	}
	c.config.Files = append(c.config.Files, path)
	var all []library
	for _, s := range file.Of(fbconf.Plugins) {
		for _, key := range s.Properties {
			switch {
			case file.YAML:
				all = append(all, library{key.Place, key.Key})
			case strings.EqualFold(key.Key, "path"):
				all = append(all, library{key.Place, key.Text})
			}
		}
	}
	return all, err
}

// reason is what the system says of a file, without the path.
func reason(err error) string {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
