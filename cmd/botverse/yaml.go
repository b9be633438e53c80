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
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/botverse/botverse/dataverse"
	"github.com/botverse/botverse/dataverse/schema"
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

// Decode reads the map for kong: a mapping from the file, a text from the environment or a flag.
func (e *environments) Decode(ctx *kong.DecodeContext) error {
	value := ctx.Scan.Pop().Value
	text, isText := value.(string)
	if !isText {
		b, err := yaml.Marshal(value)
		if err != nil {
			return errNoMapping
		}
		text = string(b)
	}
	return e.read(text)
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

// decodeEnvironment goes by way of text because only a yaml.Decoder refuses unknown keys.
func decodeEnvironment(node *yaml.Node) (dataverse.Config, error) {
	config := dataverse.Default()
	text, err := yaml.Marshal(node)
	if err != nil {
		return config, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return config, plainYAMLError(err)
	}
	return config, nil
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

// plainYAMLError takes Go's types and the decoder's line numbers, which are not the file's, out of an error.
func plainYAMLError(err error) error {
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("unknown key %q", m[1])
	}
	var bad *yaml.TypeError
	if errors.As(err, &bad) && len(bad.Errors) > 0 {
		_, text, _ := strings.Cut(bad.Errors[0], ": ")
		text, _, _ = strings.Cut(text, " into ")
		return errors.New(text)
	}
	return err
}
