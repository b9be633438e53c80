package saved

import (
	"bytes"
	"encoding/json"

	"github.com/botverse/botverse/actions"
)

// SchemaURL is where the JSON Schema of a definition is published.
const SchemaURL = "https://raw.githubusercontent.com/botverse/botverse/main/actions/saved/action.schema.json"

// object is a JSON object of the schema.
type object = map[string]any

// Schema is the JSON Schema (draft 2020-12) of a definition, made of the same tables that Parse reads by. Editors take it by a
// first line "# yaml-language-server: $schema=" with SchemaURL behind it.
func Schema() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(definitionSchema()); err != nil {
		return nil // maps of texts always encode
	}
	return b.Bytes()
}

func definitionSchema() object {
	properties := object{
		"name":        object{"type": "string", "pattern": nameShape.String(), "not": object{"enum": reserved}, "description": "The action's name, as that of the file without .yaml."},
		"description": object{"type": "string", "description": "What the action does, for people."},
		"environment": object{"type": "string", "description": "The environment that it acts on where a call names none."},
		"inputs":      inputsSchema(),
	}
	definitions, one := object{"condition": conditionSchema()}, []any{}
	for _, kind := range Kinds() {
		both(properties, string(kind), object{"$ref": "#/$defs/" + string(kind)})
		definitions[string(kind)] = bodySchema(kind)
		one = append(one, needing(string(kind)))
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaURL,
		"title": "A saved action of Botverse", "description": "A name for an action: its inputs, and the action's request.",
		"type": "object", "properties": properties, "additionalProperties": false,
		"required": []string{"name"}, "oneOf": one, "$defs": definitions,
	}
}

// both gives a property its two names: REST's and protobuf's.
func both(properties object, name string, schema any) {
	properties[name], properties[snake(name)] = schema, schema
}

// needing is a schema that asks for one member, by either of its names.
func needing(name string) object {
	if snake(name) == name {
		return object{"required": []string{name}}
	}
	return object{"oneOf": []any{object{"required": []string{name}}, object{"required": []string{snake(name)}}}}
}

func inputsSchema() object {
	types := []string{}
	for _, t := range InputTypes() {
		types = append(types, string(t))
	}
	input := object{
		"type": []string{"object", "null"}, "additionalProperties": false,
		"properties": object{
			"type":        object{"enum": types, "description": "What it takes; any value without it. Texts are converted."},
			"required":    object{"type": "boolean", "description": "Whether a call without it, with null or a blank text is refused."},
			"default":     object{"not": object{"type": "null"}, "description": "The value where a call leaves the variable out."},
			"description": object{"type": "string", "description": "What it is, for people."},
			"sensitive":   object{"type": "boolean", "description": "Whether its value is in no error and no log."},
		},
	}
	return object{
		"type": "object", "description": "The variables that it takes, by name. Where it is given, templates name no others.",
		"maxProperties": maxInputs, "propertyNames": object{"pattern": variableShape.String()}, "additionalProperties": input,
	}
}

func conditionSchema() object {
	return object{
		"type": "object", "additionalProperties": false, "required": []string{"field", "operator"},
		"properties": object{
			"field":    object{"type": "string", "minLength": 1, "description": "The field's logical name."},
			"operator": object{"type": "string", "minLength": 1, "description": "eq, ne, in, not_in, gt, ge, lt, le, between, contains, begins_with, ends_with, is_null or not_null."},
			"value":    object{"description": "The value: a literal, a template, a lookup, or a list of them."},
		},
	}
}

func bodySchema(kind Kind) object {
	properties, needed := object{}, []any{}
	for _, m := range membersOf(kind) {
		both(properties, m.name, m.schema())
		if m.needed {
			needed = append(needed, needing(m.name))
		}
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false, "allOf": needed}
}

// schema is the schema of a member.
func (k *bodyMember) schema() object {
	s := object{"description": k.describe}
	switch k.into(&body{}).(type) {
	case *string:
		s["type"], s["minLength"] = "string", 1
		k.bound(s)
	case *bool:
		s["type"] = "boolean"
	case *int:
		s["type"], s["minimum"], s["maximum"] = "integer", 0, k.most
	case *[]string:
		s["type"], s["maxItems"], s["items"] = "array", k.most, object{"type": "string", "pattern": k.shape.String()}
	case *map[string]string:
		s["type"], s["maxProperties"], s["propertyNames"] = "object", k.most, object{"pattern": k.shape.String()}
		s["additionalProperties"] = object{"type": "string", "minLength": 1, "maxLength": maxSource}
	case *map[string]any:
		s["type"] = "object"
	case *[]actions.Condition:
		s["type"], s["maxItems"], s["items"] = "array", k.most, object{"$ref": "#/$defs/condition"}
	}
	return s
}

// bound adds what a text is held to.
func (k *bodyMember) bound(s object) {
	switch {
	case k.values != nil:
		s["enum"] = k.values
	case k.shape != nil:
		s["pattern"] = k.shape.String()
	case k.most > 0:
		s["maxLength"] = k.most
	}
}
