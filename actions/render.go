package actions

import (
	"errors"
	"strings"

	"github.com/botverse/botverse/actions/template"
)

// renderState says what came of a value's templates.
type renderState int

const (
	renderedSet   renderState = iota
	renderedUnset             // a variable is not set
	renderedNull              // null, be it literal or a variable's
)

// renderedValue is a value with its templates replaced.
type renderedValue struct {
	State     renderState
	Value     any    // read only: an object or a list may be a variable's own
	Templated bool   // whether a template had a part in it; a literal of the request else
	Unset     string // the path that is not set
}

// renderer replaces the templates in what requests give, and keeps those that it parsed. The zero renderer is ready, for any number
// of goroutines.
type renderer struct{ parsed template.Cache }

// render replaces the templates in a value of a request: in a text, in the members of an object, in the elements of a
// list. What a variable holds is never read as a template, so that no visitor can write one. An object or a list with a
// part that is not set is not set; an object with a null member is null, but for lists null elements stay. The fault is
// BAD_TEMPLATE.
func (r *renderer) render(v any, variables map[string]any, path string) (renderedValue, *Fault) {
	switch v := v.(type) {
	case nil:
		return renderedValue{State: renderedNull}, nil
	case string:
		return r.renderText(v, variables, path)
	case map[string]any:
		return r.renderObject(v, variables, path)
	case []any:
		return r.renderList(v, variables, path)
	}
	return renderedValue{Value: v}, nil
}

func (r *renderer) renderText(text string, variables map[string]any, path string) (renderedValue, *Fault) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return renderedValue{Value: text}, nil
	}
	t, fault := r.template(text, path)
	if fault != nil {
		return renderedValue{}, fault
	}
	v, err := t.Render(variables)
	if err != nil {
		return renderedValue{}, badTemplate(path, err)
	}
	out := renderedValue{Value: v.V, Templated: true, Unset: v.Path}
	switch v.Kind {
	case template.Unset:
		out.State = renderedUnset
	case template.Null:
		out.State = renderedNull
	}
	return out, nil
}

// template is a text of a request with outputs, parsed.
func (r *renderer) template(text, path string) (*template.Template, *Fault) {
	t, err := r.parse(text)
	if err != nil {
		return nil, badTemplate(path, err)
	}
	if line, column := t.Raw(); line > 0 {
		return nil, newFault(BadTemplate, path, "the template cannot be used: line %d, column %d: %s", line, column, misplacedRaw)
	}
	return t, nil
}

// parse is a text with outputs, parsed, wherever it stands. The error is a *template.Error.
func (r *renderer) parse(text string) (*template.Template, error) { return r.parsed.Parse(text) }

// misplacedRaw says where the filter raw may stand. Elsewhere it would promise what it does not do: a value is a value.
const misplacedRaw = "the filter raw has wildcards in a variable taken for wildcards, and stands only in a FetchXML condition with an operator that knows them: like, not-like, begins-with, not-begin-with, ends-with, not-end-with"

func badTemplate(path string, err error) *Fault {
	if place := new(template.Error); errors.As(err, &place) {
		return newFault(BadTemplate, path, "the template cannot be used: %v", place)
	}
	return newFault(BadTemplate, path, "the template cannot be used")
}

func (r *renderer) renderObject(object map[string]any, variables map[string]any, path string) (renderedValue, *Fault) {
	out := renderedValue{}
	rendered := make(map[string]any, len(object))
	for name, member := range object {
		v, fault := r.render(member, variables, path+"."+name)
		if fault != nil {
			return renderedValue{}, fault
		}
		out.join(v)
		if v.State == renderedNull && out.State == renderedSet {
			out.State = renderedNull
		}
		rendered[name] = v.Value
	}
	out.Value = rendered
	return out, nil
}

func (r *renderer) renderList(list []any, variables map[string]any, path string) (renderedValue, *Fault) {
	out := renderedValue{}
	rendered := make([]any, len(list))
	for i, element := range list {
		v, fault := r.render(element, variables, path)
		if fault != nil {
			return renderedValue{}, fault
		}
		out.join(v)
		rendered[i] = v.Value
	}
	out.Value = rendered
	return out, nil
}

// join takes over what a part says of the whole.
func (v *renderedValue) join(part renderedValue) {
	v.Templated = v.Templated || part.Templated
	if part.State == renderedUnset && v.State != renderedUnset {
		v.State, v.Unset = renderedUnset, part.Unset
	}
}
