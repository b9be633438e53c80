// Package template evaluates Liquid's output language: text with outputs as "{{ visitor.email | downcase }}". It knows
// no tags, no files and no loops, and tells a variable that is not set from one that is null or empty.
//
// An output is a path or a literal, followed by filters. A path names a variable and goes into it with dots and brackets:
// visitor.email, items[0].name, visitor["first name"], items.size. The filters are Liquid's, by Liquid's names
// (Filters lists them); where Liquid would quietly take a text for the number 0, they fail. Two are ours: e164 makes a phone
// number of any spelling "+31612345678", with the region of numbers without a country code as its argument: "NL"; raw has a
// text taken as it is where others are escaped.
//
// Parsing and rendering are bounded: in the size of a template, of a result, and of the work that filters do.
package template

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds.
const (
	maxTemplate = 256 << 10 // bytes of a template
	maxOutputs  = 1000      // outputs of a template
	maxFilters  = 32        // filters of an output
	maxPath     = 64        // steps of a path
	maxResult   = 1 << 20   // bytes of a result, and of what any filter makes
	maxWork     = 16 << 20  // bytes that the filters of one rendering read and write
	maxElements = 10_000    // elements of a list that a filter makes
)

// Kind says whether a rendered value is there.
type Kind int

// The kinds.
const (
	Set   Kind = iota // Value.V holds it
	Null              // the template is one output, and what it names is null
	Unset             // a variable that the template needs is not set: Value.Path
)

// Value is what a template renders to.
type Value struct {
	Kind Kind
	// V is a text; or, where the template is one output, what that names, in its own type: a bool, a number (float64,
	// json.Number or a Go integer, as the variable was; json.Number where a filter computed it), a string, []any or
	// map[string]any. Lists and objects are the variables' own: read only.
	V any
	// Path is the variable that is not set, as "visitor.email".
	Path string
}

// Error is a template that does not parse, or that cannot be rendered. It shows no variable's value.
type Error struct {
	Line, Column int // from 1; the column counts characters
	Message      string
}

// Error tells where and what.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Template is a parsed template, for use by any number of goroutines.
type Template struct {
	parts []part
}

// part is a text or an output, where output is not nil.
type part struct {
	text   string
	output *output
}

// output is what stands between {{ and }}.
type output struct {
	head    operand
	filters []call
	at      position
}

// operand is a literal or a path into the variables.
type operand struct {
	literal any
	path    []step // empty for a literal
	text    string // the path as written, for messages
}

// step goes from a value to one within it: to the member of that key, or to the element of that index.
type step struct {
	key     string
	index   int
	indexed bool
}

// call is a filter with its arguments.
type call struct {
	filter filter
	name   string
	args   []operand
	named  map[string]operand
	at     position
}

// position is a place in a template, from 1.
type position struct{ line, column int }

func (p position) errorf(format string, args ...any) *Error {
	return &Error{Line: p.line, Column: p.column, Message: fmt.Sprintf(format, args...)}
}

// IsLiteral reports whether the template has no outputs, so that it renders to its own text.
func (t *Template) IsLiteral() bool {
	for _, p := range t.parts {
		if p.output != nil {
			return false
		}
	}
	return true
}

// IsOutput reports whether the template is one output and nothing else, so that it renders to what that names.
func (t *Template) IsOutput() bool { return len(t.parts) == 1 && t.parts[0].output != nil }

// Raw is where the first output with the filter raw begins, which has its text taken as it is where the texts of others are
// escaped; 0, 0 where there is none.
func (t *Template) Raw() (line, column int) {
	for _, p := range t.parts {
		if p.output != nil && p.output.raw() {
			return p.output.at.line, p.output.at.column
		}
	}
	return 0, 0
}

func (o *output) raw() bool {
	return slices.ContainsFunc(o.filters, func(c call) bool { return c.name == rawFilter })
}

// Render replaces the outputs by what they name in the variables, which are only read. What a variable holds is never
// read as a template. In mixed text null is "" and an object or a list is refused. The error is an *Error.
func (t *Template) Render(variables map[string]any) (Value, error) {
	return t.RenderEscaped(variables, nil)
}

// RenderEscaped is Render with each text that comes of an output, and each text in a list that does, passed through
// escape, which learns whether the output is raw; the template's own text is not. Null inside other text is the empty text.
func (t *Template) RenderEscaped(variables map[string]any, escape func(text string, raw bool) string) (Value, error) {
	r := renderer{variables: variables, escape: escape}
	if t.IsOutput() {
		return r.lone(t.parts[0].output)
	}
	return r.mixed(t.parts)
}

// lone renders a template that is one output: its type is kept.
func (r *renderer) lone(o *output) (Value, error) {
	v, err := r.output(o)
	if err != nil || v.Kind != Set {
		return v, err
	}
	v.V = r.escaped(v.V, o.raw())
	return v, nil
}

// mixed renders text with outputs in it. A part that is not set makes the whole unset.
func (r *renderer) mixed(parts []part) (Value, error) {
	var b strings.Builder
	for _, p := range parts {
		if p.output == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := r.output(p.output)
		if err != nil || v.Kind == Unset {
			return v, err
		}
		s, ok := text(r.escaped(v.V, p.output.raw()))
		if !ok {
			return Value{}, p.output.at.errorf("%s is %s: inside other text only texts, numbers and yes/no values can stand", p.output.head.text, kindOf(v.V))
		}
		if b.Len()+len(s) > maxResult {
			return Value{}, p.output.at.errorf("the result is longer than %d bytes", maxResult)
		}
		b.WriteString(s)
	}
	return Value{V: b.String()}, nil
}
