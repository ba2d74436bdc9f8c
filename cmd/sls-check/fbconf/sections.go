package fbconf

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// settings reads the keys of service, and of sections that Fluent Bit does not know.
func (f *yamlFile) settings(s *Section, value *yaml.Node) error {
	pairs, err := f.pairs(value, s.Name)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		key, value := p[0], p[1]
		isMap := s.Kind == Service && value.Kind == yaml.MappingNode || strings.EqualFold(s.Name, "extensions")
		if isMap && s.Kind == Service && !strings.EqualFold(key.Value, "telemetry") {
			return f.fail(key, "key "+key.Value+" of service is a map, and only telemetry may be one", "write the keys of service flat, such as storage.path: /var/lib/fluent-bit")
		}
		if isMap {
			continue
		}
		if err := f.want(value, yaml.ScalarNode, "key "+key.Value+" of "+s.Name); err != nil {
			return err
		}
		if text, ok := trim(value.Value); ok { // nothing but blanks: Fluent Bit leaves the key out
			s.Properties = append(s.Properties, Property{Place: f.place(key), Key: yamlKey(key.Value), Text: text})
		}
	}
	return nil
}

// envSection reads the variables: a map of names to values, or a list of name with value or uri.
func (f *yamlFile) envSection(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		pairs, err := f.pairs(n, "env")
		for _, p := range pairs {
			if err := f.want(p[1], yaml.ScalarNode, "variable "+p[0].Value+" of env"); err != nil {
				return err
			}
			f.env = append(f.env, setting{Place: f.place(p[0]), name: p[0].Value, value: p[1].Value})
		}
		return err
	}
	for _, entry := range n.Content {
		s, err := f.variable(entry)
		if err != nil {
			return err
		}
		if s.name != "" {
			f.env = append(f.env, s)
		}
	}
	return nil
}

// variable reads an entry of the list that env may be.
func (f *yamlFile) variable(n *yaml.Node) (setting, error) {
	s := setting{Place: f.place(n)}
	pairs, err := f.pairs(n, "an entry of env")
	for _, p := range pairs {
		if err := f.want(p[1], yaml.ScalarNode, "key "+p[0].Value+" of env"); err != nil {
			return s, err
		}
		switch value := p[1].Value; strings.ToLower(p[0].Value) {
		case "name":
			s.name = value
		case "value":
			s.value = value
		case "uri":
			s.uri = value
		case "refresh_interval":
		default:
			if s.name == "" {
				s.name, s.value = p[0].Value, value
			}
		}
	}
	return s, err
}

func (f *yamlFile) includes(n *yaml.Node) error {
	entries, err := f.entries(n, "includes")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := f.want(entry, yaml.ScalarNode, "an entry of includes"); err != nil {
			return err
		}
		if err := f.include(entry.Value, f.path, f.place(entry)); err != nil {
			return err
		}
	}
	return nil
}

// definitions reads sections whose content is not looked at here.
func (f *yamlFile) definitions(key, value *yaml.Node) error {
	entries, err := f.entries(value, key.Value)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if _, err := f.pairs(entry, "an entry of "+key.Value); err != nil {
			return err
		}
	}
	return nil
}

// libraries reads the list of plugins to load. Fluent Bit keeps each path as a key, and changes it like one.
func (f *yamlFile) libraries(key, value *yaml.Node) error {
	entries, err := f.entries(value, "plugins")
	if err != nil {
		return err
	}
	s := f.reader.section(f.place(key), "plugins")
	for _, entry := range entries {
		if err := f.want(entry, yaml.ScalarNode, "an entry of plugins"); err != nil {
			return err
		}
		s.Properties = append(s.Properties, Property{Place: f.place(entry), Key: yamlKey(entry.Value)})
	}
	return nil
}

func (f *yamlFile) pipeline(n *yaml.Node) error {
	pairs, err := f.pairs(n, "pipeline")
	if err != nil {
		return err
	}
	kinds := map[string]Kind{"inputs": Input, "filters": Filter, "outputs": Output}
	for _, p := range pairs {
		kind, known := kinds[strings.ToLower(p[0].Value)]
		if !known {
			return f.fail(p[0], "pipeline has a key "+p[0].Value, "name it inputs, filters or outputs")
		}
		if err := f.plugins(kind, p[1], p[0].Value); err != nil {
			return err
		}
	}
	return nil
}

// plugins reads a list of inputs, filters, outputs or customs.
func (f *yamlFile) plugins(kind Kind, n *yaml.Node, name string) error {
	entries, err := f.entries(n, name)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		pairs, err := f.pairs(entry, "an entry of "+name)
		if err != nil {
			return err
		}
		s := f.reader.section(f.place(entry), string(kind))
		for _, p := range pairs {
			if err := f.property(s, p[0], p[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// property reads one key of a plugin: a value, or a list of values that are set in turn.
func (f *yamlFile) property(s *Section, key, value *yaml.Node) error {
	nested := key.Value == "processors" || key.Value == "routes" || s.Kind == Input && key.Value == "telemetry"
	switch {
	case nested && value.Kind != yaml.ScalarNode && value.Kind != yaml.AliasNode:
		s.Routed = s.Routed || key.Value == "routes"
		return nil
	case value.Kind == yaml.MappingNode:
		return f.fail(key, "key "+key.Value+" is a map", "write its keys flat, such as storage.type: filesystem")
	case value.Kind != yaml.SequenceNode:
		return f.add(s, key, value, 0)
	case len(value.Content) == 0:
		return f.fail(key, "key "+key.Value+" is an empty list", "give it a value, or remove the line")
	}
	for i, element := range value.Content {
		if err := f.add(s, key, element, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (f *yamlFile) add(s *Section, key, value *yaml.Node, element int) error {
	if err := f.want(value, yaml.ScalarNode, "key "+key.Value); err != nil {
		return err
	}
	text := value.Value
	if element == 0 { // elements of lists are not trimmed
		var ok bool
		if text, ok = trim(text); !ok {
			return f.fail(key, "key "+key.Value+" has a value of blanks alone", "give it a value, or remove the line")
		}
	}
	s.Properties = append(s.Properties, Property{Place: f.place(key), Key: yamlKey(key.Value), Text: text, Element: element})
	return nil
}

// yamlKey turns camelCase into snake_case, as Fluent Bit does where a key begins with a lower case letter and has no _.
// Source: flb_cf_key_translate, flb_config_format.c.
func yamlKey(key string) string {
	if key == "" || key[0] < 'a' || key[0] > 'z' {
		return strings.Trim(key, blanks)
	}
	if strings.Contains(key, "_") {
		return strings.Trim(strings.ToLower(key), blanks)
	}
	var b strings.Builder
	for i, c := range []byte(key) {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return strings.Trim(b.String(), blanks)
}
