package input

import (
	"errors"
	"strings"

	"github.com/botverse/botverse/actions/template"
)

// State says what came of a value's templates.
type State int

// What comes of templates.
const (
	Set   State = iota // a value
	Unset              // a variable is not set
	Null               // null, be it literal or a variable's
)

// Rendered is a value with its templates replaced.
type Rendered struct {
	State     State
	Value     any    // read only: an object or a list may be a variable's own
	Templated bool   // whether a template had a part in it; a literal of the request else
	Unset     string // the path that is not set
}

// Renderer replaces the templates in what requests give, and keeps those that it parsed. The zero Renderer is ready, for any number
// of goroutines.
type Renderer struct{ parsed template.Cache }

// Render replaces the templates in a value of a request: in a text, in the members of an object, in the elements of a
// list. What a variable holds is never read as a template, so that no visitor can write one. An object or a list with a
// part that is not set is not set; an object with a null member is null, but for lists null elements stay. The fault is
// BAD_TEMPLATE.
func (r *Renderer) Render(v any, variables map[string]any, path string) (Rendered, *Fault) {
	switch v := v.(type) {
	case nil:
		return Rendered{State: Null}, nil
	case string:
		return r.renderText(v, variables, path)
	case map[string]any:
		return r.renderObject(v, variables, path)
	case []any:
		return r.renderList(v, variables, path)
	}
	return Rendered{Value: v}, nil
}

func (r *Renderer) renderText(text string, variables map[string]any, path string) (Rendered, *Fault) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return Rendered{Value: text}, nil
	}
	t, fault := r.Template(text, path)
	if fault != nil {
		return Rendered{}, fault
	}
	v, err := t.Render(variables)
	if err != nil {
		return Rendered{}, TemplateFault(path, err)
	}
	out := Rendered{Value: v.V, Templated: true, Unset: v.Path}
	switch v.Kind {
	case template.Unset:
		out.State = Unset
	case template.Null:
		out.State = Null
	}
	return out, nil
}

// Template is a text of a request with outputs, parsed.
func (r *Renderer) Template(text, path string) (*template.Template, *Fault) {
	t, err := r.Parse(text)
	if err != nil {
		return nil, TemplateFault(path, err)
	}
	if line, column := t.Raw(); line > 0 {
		return nil, NewFault(BadTemplate, path, "the template cannot be used: line %d, column %d: %s", line, column, MisplacedRaw)
	}
	return t, nil
}

// Parse is a text with outputs, parsed, wherever it stands. The error is a *template.Error.
func (r *Renderer) Parse(text string) (*template.Template, error) { return r.parsed.Parse(text) }

// MisplacedRaw says where the filter raw may stand. Elsewhere it would promise what it does not do: a value is a value.
const MisplacedRaw = "the filter raw has wildcards in a variable taken for wildcards, and stands only in a FetchXML condition with an operator that knows them: like, not-like, begins-with, not-begin-with, ends-with, not-end-with"

// TemplateFault is the fault of a template that does not parse, or cannot be rendered.
func TemplateFault(path string, err error) *Fault {
	if place := new(template.Error); errors.As(err, &place) {
		return NewFault(BadTemplate, path, "the template cannot be used: %v", place)
	}
	return NewFault(BadTemplate, path, "the template cannot be used")
}

func (r *Renderer) renderObject(object map[string]any, variables map[string]any, path string) (Rendered, *Fault) {
	out := Rendered{}
	rendered := make(map[string]any, len(object))
	for name, member := range object {
		v, fault := r.Render(member, variables, path+"."+name)
		if fault != nil {
			return Rendered{}, fault
		}
		out.Join(v)
		if v.State == Null && out.State == Set {
			out.State = Null
		}
		rendered[name] = v.Value
	}
	out.Value = rendered
	return out, nil
}

func (r *Renderer) renderList(list []any, variables map[string]any, path string) (Rendered, *Fault) {
	out := Rendered{}
	rendered := make([]any, len(list))
	for i, element := range list {
		v, fault := r.Render(element, variables, path)
		if fault != nil {
			return Rendered{}, fault
		}
		out.Join(v)
		rendered[i] = v.Value
	}
	out.Value = rendered
	return out, nil
}

// Join takes over what a part says of the whole.
func (v *Rendered) Join(part Rendered) {
	v.Templated = v.Templated || part.Templated
	if part.State == Unset && v.State != Unset {
		v.State, v.Unset = Unset, part.Unset
	}
}
