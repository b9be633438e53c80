package saved

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/actions/input"
)

// node is a value of a YAML file with its place.
type node = *yaml.Node

// maxDepth bounds how deep values are nested.
const maxDepth = 64

// parseYAML reads a file that is one mapping.
func parseYAML(text []byte) (node, *Fault) {
	switch {
	case len(text) > maxText:
		return nil, fileFault("is longer than %d bytes", maxText)
	case !utf8.Valid(text):
		return nil, fileFault("is not UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return nil, fileFault("is empty: it needs a name and an action")
	case err != nil:
		return nil, syntaxFault(err)
	case !errors.Is(decoder.Decode(&second), io.EOF):
		return nil, fileFault("has more than one document (---): a file holds one definition")
	}
	return document.Content[0], nil
}

func fileFault(format string, args ...any) *Fault {
	return &Fault{Fault: input.Fault{Reason: input.InvalidRequest, Message: fmt.Sprintf(format, args...)}}
}

// yamlLine is where the YAML reader's messages say a fault is.
var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxFault is a text that is no YAML.
func syntaxFault(err error) *Fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	f := fileFault("")
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column = 1
		message = message[len(m[0]):]
	}
	f.Message = "is not YAML: " + message
	return f
}

// place is where something stands in a file, from 1.
type place struct{ line, column int }

// places are where the members of a definition stand, by their path.
type places map[string]place

// reader takes a definition out of a file, and collects what is wrong with it.
type reader struct {
	text   string
	places places
	faults []Fault
}

func (r *reader) fault(n node, path, format string, args ...any) {
	r.add(n, input.Fault{Reason: input.InvalidRequest, Field: path, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) add(n node, f input.Fault) {
	r.faults = append(r.faults, Fault{Fault: f, Line: n.Line, Column: n.Column})
}

// member is a member of a mapping.
type member struct {
	name  string // as REST answers it: camelCase
	path  string
	key   node
	value node
}

// members are the members of a mapping whose names are known, each once; nil for what is none. A name may be written in
// camelCase or with underscores, as JSON's of the contract.
func (r *reader) members(n node, path string, known []string) []member {
	all := r.pairs(n, path)
	members := all[:0]
	for _, m := range all {
		i := slices.IndexFunc(known, func(name string) bool { return m.name == name || m.name == snake(name) })
		if i < 0 {
			r.add(m.key, unknownMember(m.path, m.name, known))
			continue
		}
		m.name, m.path = known[i], join(path, known[i])
		if slices.ContainsFunc(members, func(other member) bool { return other.name == m.name }) {
			r.fault(m.key, m.path, "is given more than once")
			continue
		}
		r.places[m.path] = place{m.key.Line, m.key.Column}
		members = append(members, m)
	}
	return members
}

// pairs are the members of a mapping, whatever their names are; a name twice is a fault.
func (r *reader) pairs(n node, path string) []member {
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "must be a mapping, and is %s", kindOf(n))
		return nil
	}
	var members []member
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.fault(key, path, "has a name that is no text")
		case seen[key.Value]:
			r.fault(key, join(path, key.Value), "is given more than once")
		default:
			seen[key.Value] = true
			members = append(members, member{name: key.Value, path: join(path, key.Value), key: key, value: value})
		}
	}
	return members
}

// textOf is a value that must be a text on its own.
func (r *reader) textOf(n node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
		r.fault(n, path, "must be a text, and is %s", kindOf(n))
		return "", false
	}
	return n.Value, true
}

// value is any value as JSON would have it: numbers keep their digits, and a date is a text.
func (r *reader) value(n node, path string, depth int) any {
	if depth > maxDepth {
		r.fault(n, path, "is nested too deep: %d levels are the most", maxDepth)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for _, m := range r.pairs(n, path) {
			r.places[m.path] = place{m.key.Line, m.key.Column}
			object[m.name] = r.value(m.value, m.path, depth+1)
		}
		return object
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, element := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			r.places[at] = place{element.Line, element.Column}
			list[i] = r.value(element, at, depth+1)
		}
		return list
	case yaml.AliasNode:
		r.fault(n, path, "refers to another part of the file (*%s): write the value out", n.Value)
		return nil
	}
	return r.scalar(n, path)
}

// jsonNumber is how JSON writes a number. YAML has further ways, in which 01234 is the number 668.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

func (r *reader) scalar(n node, path string) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if jsonNumber.MatchString(n.Value) {
			return json.Number(n.Value)
		}
		r.fault(n, path, "%s is a number in YAML and none in JSON: put it in quotes where it is a text, or write it in plain digits", n.Value)
		return nil
	case "!!str", "!!timestamp":
		return n.Value
	}
	r.fault(n, path, "has the tag %s: a definition holds what JSON holds", n.Tag)
	return nil
}

// kindOf says what a value is, for messages.
func kindOf(n node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "a reference to another part of the file"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number (put it in quotes where it is a text)"
	}
	return "a text"
}

// snake is a name as protobuf has it: fetchXml is fetch_xml.
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	return b.String()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
