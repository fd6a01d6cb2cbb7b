// Package yamlfile reads YAML that people write, strictly: an unknown key, a key given
// twice or a value of the wrong kind is a fault with file and line, and all faults are
// told at once. Both programs and the device profiles use it.
package yamlfile

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// OneOrMore is a list of texts that may be written as a single text.
type OneOrMore []string

// Defaulter is a value of a map that has defaults.
type Defaulter interface{ SetDefaults() }

// Doc is a file that was read, and the faults found in it so far.
type Doc struct {
	name   string
	root   *yaml.Node // nil if the file is empty
	faults []fault
}

type fault struct {
	line int
	text string
}

// Decode reads data into v, a pointer to a struct that already holds its defaults: what
// the file doesn't name keeps them. Field names come from `yaml` tags. Faults don't stop
// it; ask Err after having added one's own with Fault.
func Decode(name string, data []byte, v any) *Doc {
	d := &Doc{name: name}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return d
	case err != nil:
		d.syntax(err)
		return d
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		d.add(second.Line, "a second document (---) starts here; want one a file")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	d.root = doc.Content[0]
	emptyValues(d.root)
	d.value(d.root, reflect.ValueOf(v).Elem(), "")
	return d
}

// Fault adds a fault at the value that path leads to (struct keys as strings, list places
// as ints), or at the nearest thing around it that the file has.
func (d *Doc) Fault(path []any, format string, args ...any) {
	node, name := d.root, ""
	line := 1
	for _, step := range path {
		if key, ok := step.(string); ok {
			name = key
		}
		if node = child(node, step); node == nil {
			break
		}
		line = node.Line
	}
	text := fmt.Sprintf(format, args...)
	if name != "" {
		text = name + ": " + text
	}
	d.add(line, text)
}

// Has tells whether the file itself gives the key that path leads to.
func (d *Doc) Has(path ...any) bool {
	node := d.root
	for _, step := range path {
		if node = child(node, step); node == nil {
			return false
		}
	}
	return node != nil
}

// Line is the line of the value that path leads to, 0 if the file doesn't have it.
func (d *Doc) Line(path ...any) int {
	node := d.root
	for _, step := range path {
		if node = child(node, step); node == nil {
			return 0
		}
	}
	if node == nil {
		return 0
	}
	return node.Line
}

// Err is nil, or all faults in the order of the file, one a line: "FILE:LINE: what, what would be right".
func (d *Doc) Err() error {
	if len(d.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(d.faults, func(a, b fault) int { return a.line - b.line })
	errs := make([]error, len(d.faults))
	for i, f := range d.faults {
		errs[i] = fmt.Errorf("%s:%d: %s", d.name, f.line, f.text)
	}
	return errors.Join(errs...)
}

func (d *Doc) add(line int, text string) { d.faults = append(d.faults, fault{line, text}) }

// syntax adds yaml's own complaint, which starts with "yaml: line N: ".
func (d *Doc) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if n, _ := fmt.Sscanf(text, "line %d: ", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
	}
	if strings.Contains(text, "unknown escape") { // "C:\zerofax"
		text += `; want \\ for each backslash, or no quotes around it`
	}
	d.add(line, "not YAML: "+text)
}

// emptyValues reads {url:, org:} as YAML 1.2 does: keys with nothing behind them. yaml takes
// the colon for part of the key.
func emptyValues(node *yaml.Node) {
	for i, item := range node.Content {
		emptyValues(item)
		if node.Kind != yaml.MappingNode || node.Style&yaml.FlowStyle == 0 || i%2 == 1 {
			continue
		}
		if value := node.Content[i+1]; item.Style == 0 && value.Tag == "!!null" && value.Value == "" {
			item.Value = strings.TrimSuffix(item.Value, ":")
		}
	}
}

func child(node *yaml.Node, step any) *yaml.Node {
	node = real(node)
	if node == nil {
		return nil
	}
	switch step := step.(type) {
	case string:
		if node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == step {
					return node.Content[i+1]
				}
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step]
		}
	}
	return nil
}

func real(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// value fills v from node. name is the key that led here, for messages.
func (d *Doc) value(node *yaml.Node, v reflect.Value, name string) {
	node = real(node)
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return // "key:" with nothing behind it keeps the default
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(node, v.Elem(), name)
		return
	}
	if isScalar(v) {
		d.scalar(node, v, name)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(node, v, name)
	case reflect.Slice:
		if one, ok := v.Addr().Interface().(*OneOrMore); ok && node.Kind == yaml.ScalarNode {
			*one = OneOrMore{node.Value}
			return
		}
		if node.Kind != yaml.SequenceNode {
			d.add(node.Line, name+": want a list")
			return
		}
		list := reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content))
		for i, item := range node.Content {
			d.value(item, list.Index(i), name)
		}
		v.Set(list)
	case reflect.Map:
		d.table(node, v, name)
	default:
		panic(fmt.Sprintf("yamlfile: no rule for %s", v.Type()))
	}
}

func (d *Doc) mapping(node *yaml.Node, v reflect.Value, name string) {
	if node.Kind != yaml.MappingNode {
		d.add(node.Line, strings.TrimPrefix(name+": want keys and values", ": "))
		return
	}
	fields, known := fieldsOf(v)
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		field, ok := fields[key.Value]
		switch {
		case !ok:
			d.add(key.Line, fmt.Sprintf("unknown key %q; known here: %s", key.Value, strings.Join(known, ", ")))
		case seen[key.Value]:
			d.add(key.Line, fmt.Sprintf("key %q stands here twice", key.Value))
		default:
			d.value(node.Content[i+1], field, key.Value)
		}
		seen[key.Value] = true
	}
}

func (d *Doc) table(node *yaml.Node, v reflect.Value, name string) {
	if node.Kind != yaml.MappingNode {
		d.add(node.Line, name+": want keys and values")
		return
	}
	table := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		d.scalar(node.Content[i], key, name)
		if table.MapIndex(key).IsValid() {
			d.add(node.Content[i].Line, fmt.Sprintf("key %q stands here twice", node.Content[i].Value))
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if own, ok := item.Addr().Interface().(Defaulter); ok {
			own.SetDefaults()
		}
		d.value(node.Content[i+1], item, name)
		table.SetMapIndex(key, item)
	}
	v.Set(table)
}

func (d *Doc) scalar(node *yaml.Node, v reflect.Value, name string) {
	if node.Kind != yaml.ScalarNode {
		d.add(node.Line, fmt.Sprintf("%s: want %s", name, wanted(v)))
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := text.UnmarshalText([]byte(node.Value)); err != nil {
			d.add(node.Line, fmt.Sprintf("%s: %v", name, err))
		}
		return
	}
	if v.Kind() == reflect.String { // "on", 12 or 1.0 meant as text stay as they were written
		v.SetString(node.Value)
		return
	}
	if err := node.Decode(v.Addr().Interface()); err != nil {
		d.add(node.Line, fmt.Sprintf("%s: %q; want %s", name, node.Value, wanted(v)))
	}
}

func isScalar(v reflect.Value) bool {
	if v.CanAddr() {
		if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			return true
		}
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return true
	}
	return false
}

func wanted(v reflect.Value) string {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return "a duration such as 30s, 5m or 24h"
	}
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// fieldsOf finds the fields by key; embedded structs with `yaml:",inline"` lend theirs.
func fieldsOf(v reflect.Value) (map[string]reflect.Value, []string) {
	fields, known := map[string]reflect.Value{}, []string{}
	for i := range v.NumField() {
		tag, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			inner, names := fieldsOf(v.Field(i))
			for _, name := range names {
				fields[name] = inner[name]
			}
			known = append(known, names...)
		case tag != "" && tag != "-":
			fields[tag] = v.Field(i)
			known = append(known, tag)
		}
	}
	return fields, known
}
