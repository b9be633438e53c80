package saved

import (
	"encoding/json"
	"strings"

	"github.com/botverse/botverse/actions/input"
	"github.com/botverse/botverse/actions/template"
	"github.com/botverse/botverse/actions/translate"
)

// hidden stands in messages for what must not be in them.
const hidden = "[sensitive]"

// secrets are the texts within the values of sensitive inputs. It is empty where no input is sensitive or none is set.
func (d *Definition) secrets(variables map[string]any) []string {
	var texts []string
	for i := range d.Inputs {
		if d.Inputs[i].Sensitive {
			texts = append(texts, textsIn(variables[d.Inputs[i].Name])...)
		}
	}
	return texts
}

func textsIn(value any) []string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case json.Number, float64:
		if text, ok := translate.TextOf(v); ok {
			return []string{text}
		}
	case map[string]any:
		var texts []string
		for _, member := range v {
			texts = append(texts, textsIn(member)...)
		}
		return texts
	case []any:
		var texts []string
		for _, element := range v {
			texts = append(texts, textsIn(element)...)
		}
		return texts
	}
	return nil
}

// veilFault takes the values of sensitive inputs out of a fault's message. What a filter makes of a value is as secret as the
// value, so that of a field whose templates name such an input the message stands without what was given.
func (d *Definition) veilFault(f input.Fault, secrets []string) input.Fault {
	if d.namesSensitive(f.Field) {
		f.Nearest = nil
		switch {
		case f.Reason == input.VariableUnset || f.Reason == input.MissingRequired || f.Reason == input.BadTemplate:
		case f.Veiled != "":
			f.Message = f.Veiled
		default:
			f.Message = "the value does not fit; it is of a sensitive input, and is not shown"
		}
	}
	for _, secret := range secrets {
		f.Message = strings.ReplaceAll(f.Message, secret, hidden)
	}
	return f
}

// namesSensitive reports whether the templates at a fault's place, as "where.telephone1" or "fetch_xml:3:14", name a sensitive
// input.
func (d *Definition) namesSensitive(field string) bool {
	for _, name := range variablesIn(d.body.at(field)) {
		if in := d.input(name); in != nil && in.Sensitive {
			return true
		}
	}
	return false
}

// at is the part of the body that a fault is about, as the runtime names it: the whole top-level value of a field, so that
// nothing within is missed.
func (b body) at(field string) any {
	member, rest, _ := strings.Cut(field, ".")
	member, _, _ = strings.Cut(member, ":")
	member, _, _ = strings.Cut(member, "[")
	name, _, _ := strings.Cut(rest, ".")
	name, _, _ = strings.Cut(name, "[")
	switch member {
	case "fields":
		return part(b.fields, name)
	case "where":
		return part(b.where, name)
	case "key":
		return part(b.key, name)
	case "record_id":
		return b.recordID
	case "fetch_xml":
		return fetchTexts(b.fetchXML)
	case "conditions":
		var values []any
		for _, c := range b.conditions {
			values = append(values, c.Value)
		}
		return values
	}
	return nil
}

// part is a member whose name may be written in any case; the whole where there is none.
func part(object map[string]any, name string) any {
	for key, value := range object {
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return value
		}
	}
	return object
}

// variablesIn are the variables that the templates in a value name.
func variablesIn(value any) []string {
	switch v := value.(type) {
	case string:
		if t, err := template.Parse(v); err == nil {
			return t.Variables()
		}
	case map[string]any:
		var names []string
		for _, member := range v {
			names = append(names, variablesIn(member)...)
		}
		return names
	case []any:
		var names []string
		for _, element := range v {
			names = append(names, variablesIn(element)...)
		}
		return names
	}
	return nil
}

// holdsTemplate reports whether a value has a template in it, or what was meant as one.
func holdsTemplate(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "{{") || strings.Contains(v, "{%")
	case map[string]any:
		for _, member := range v {
			if holdsTemplate(member) {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if holdsTemplate(element) {
				return true
			}
		}
	}
	return false
}
