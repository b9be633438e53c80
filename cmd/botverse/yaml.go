package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
	"github.com/botverse/botverse/presence"
)

// yamlFile is a configuration file: flags by name, with _ for -.
type yamlFile struct {
	values map[string]any
}

// loadYAML reads a configuration file for kong.
func loadYAML(r io.Reader) (kong.Resolver, error) {
	var values map[string]any
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, usagef("the configuration file is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return yamlFile{values}, nil
}

// Validate refuses keys that are no setting of any command.
func (y yamlFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[yamlKey(f)] = true
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(app.Node)
	for _, key := range slices.Sorted(maps.Keys(y.values)) {
		if known[key] {
			continue
		}
		hint := ""
		if nearest := schema.Nearest(key, slices.Sorted(maps.Keys(known))); len(nearest) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", nearest[0])
		}
		return usagef("the configuration file has the unknown key %q%s", key, hint)
	}
	return nil
}

// Resolve gives a flag its value. Kong asks the file before the environment, so that a flag whose environment variable is
// set must find nothing here: the environment wins.
func (y yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Tag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return y.values[yamlKey(flag)], nil
}

func yamlKey(f *kong.Flag) string { return strings.ReplaceAll(f.Name, "-", "_") }

// environments is the map of Dataverse environments by name: a mapping in the file, YAML text in BOTVERSE_ENVIRONMENTS.
type environments map[string]dataverse.Config

// Decode reads the map for kong.
func (e *environments) Decode(ctx *kong.DecodeContext) error {
	text, err := mappingText(ctx)
	if err != nil {
		return errNoMapping
	}
	return e.read(text)
}

// mappingText is a setting's YAML: of a mapping from the file, or of a text from the environment or a flag.
func mappingText(ctx *kong.DecodeContext) (string, error) {
	value := ctx.Scan.Pop().Value
	if text, isText := value.(string); isText {
		return text, nil
	}
	b, err := yaml.Marshal(value)
	return string(b), err
}

// Decode reads presence's settings for kong. Sources that are given stand in place of the default one.
func (p *presenceSettings) Decode(ctx *kong.DecodeContext) error {
	p.Config, p.given = presence.Default(), true
	sources := p.Sources
	p.Sources = nil
	if err := decodeMapping(ctx, "presence", p); err != nil {
		return err
	}
	if p.Sources == nil {
		p.Sources = sources
	}
	return nil
}

// Decode reads the callers' settings for kong.
func (a *authSettings) Decode(ctx *kong.DecodeContext) error {
	a.given = true
	return decodeMapping(ctx, "auth", a)
}

// Decode reads the webhook's settings for kong.
func (w *webhookSettings) Decode(ctx *kong.DecodeContext) error {
	type plain webhookSettings
	return decodeMapping(ctx, "webhook", (*plain)(w))
}

// Decode reads the journal's servers for kong.
func (n *natsSettings) Decode(ctx *kong.DecodeContext) error {
	type plain natsSettings
	return decodeMapping(ctx, "nats", (*plain)(n))
}

// decodeMapping reads a setting that is a mapping, with references to environment variables in it.
func decodeMapping(ctx *kong.DecodeContext, name string, into any) error {
	text, err := mappingText(ctx)
	if err != nil {
		return fmt.Errorf("%s is a mapping of settings", name)
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil || len(node.Content) == 0 || node.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("%s is a mapping of settings", name)
	}
	if err := expandReferences(&node, os.LookupEnv); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := decodeKnown(&node, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

var errNoMapping = errors.New("environments is a mapping of names to settings, as {contoso: {url: https://contoso.crm4.dynamics.com, sign_in: {…}}}")

func (e *environments) read(text string) error {
	var raw map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		return errNoMapping
	}
	*e = environments{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		node := raw[name]
		if err := expandReferences(&node, os.LookupEnv); err != nil {
			return fmt.Errorf("environments.%s: %w", name, err)
		}
		config, err := decodeEnvironment(&node)
		if err != nil {
			return fmt.Errorf("environments.%s: %w", name, err)
		}
		(*e)[name] = config
	}
	return nil
}

func decodeEnvironment(node *yaml.Node) (dataverse.Config, error) {
	config := dataverse.Default()
	err := decodeKnown(node, &config)
	return config, err
}

// decodeKnown goes by way of text because only a yaml.Decoder refuses unknown keys.
func decodeKnown(node *yaml.Node, into any) error {
	blockStyle(node)
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return plainYAMLError(err, text)
	}
	return nil
}

// reference is "${NAME}": the value of an environment variable, so that no secret need stand in the file.
var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expandReferences puts the values of environment variables into the scalars below node.
func expandReferences(node *yaml.Node, lookup func(string) (string, bool)) error {
	for _, child := range node.Content {
		if err := expandReferences(child, lookup); err != nil {
			return err
		}
	}
	if node.Kind != yaml.ScalarNode {
		return nil
	}
	var missing []string
	node.Value = reference.ReplaceAllStringFunc(node.Value, func(match string) string {
		name := reference.FindStringSubmatch(match)[1]
		value, ok := lookup(name)
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if missing != nil {
		return fmt.Errorf("refers to the environment variable %s, which is not set", missing[0])
	}
	return nil
}

var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// plainYAMLError takes Go's types and the decoder's line numbers, which are not the file's, out of an error about a text. The key at
// fault it names without the value, which may be a secret.
func plainYAMLError(err error, text []byte) error {
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("unknown key %q", m[1])
	}
	var bad *yaml.TypeError
	if !errors.As(err, &bad) || len(bad.Errors) == 0 {
		return err
	}
	m := wrongShape.FindStringSubmatch(bad.Errors[0])
	if m == nil {
		_, message, _ := strings.Cut(bad.Errors[0], ": ")
		return errors.New(message)
	}
	key, given := keyAbove(text, m[1], m[2]), shapeOfTag(m[2])
	if wanted := shapeOfType(m[3]); wanted != "" {
		return fmt.Errorf("%s is %s, and must be %s", key, given, wanted)
	}
	return fmt.Errorf("%s is %s, which it cannot be", key, given)
}

// wrongShape is how the decoder says that a value is of another kind than its key takes: the line, the value's tag, Go's type.
var wrongShape = regexp.MustCompile(`^line (\d+): cannot unmarshal !!(\w+).* into (\S+)$`)

// keyAbove is the key of the value that begins in a line of YAML in block style, counted from 1. A list or a mapping begins in the line
// below its key.
func keyAbove(text []byte, line, tag string) string {
	number, _ := strconv.Atoi(line)
	if tag == "seq" || tag == "map" {
		number--
	}
	lines := strings.Split(string(text), "\n")
	if number < 1 || number > len(lines) {
		return "the setting"
	}
	key, _, found := strings.Cut(strings.TrimSpace(lines[number-1])+" ", ": ")
	if !found || strings.HasPrefix(key, "-") {
		return "a value of a list"
	}
	return key
}

// blockStyle has a node written with a line for each value.
func blockStyle(node *yaml.Node) {
	node.Style &^= yaml.FlowStyle
	for _, child := range node.Content {
		blockStyle(child)
	}
}

func shapeOfTag(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "a text"
}

// shapeOfType is what a type of Go's is written as; "" where its name does not tell.
func shapeOfType(name string) string {
	switch {
	case strings.HasPrefix(name, "map["):
		return "a mapping"
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case name == "bool":
		return "true or false"
	case strings.HasPrefix(name, "int"), strings.HasPrefix(name, "uint"), strings.HasPrefix(name, "float"):
		return "a number"
	case name == "time.Duration":
		return "a duration, as 30s"
	case name == "string", strings.HasSuffix(name, ".Secret"), strings.HasSuffix(name, ".Plain"):
		return "a text"
	}
	return ""
}
