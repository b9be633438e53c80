// Package template evaluates Liquid's output language: text with outputs as "{{ visitor.email | downcase }}". It knows
// no tags, no files and no loops, and tells a variable that is not set from one that is null or empty.
package template

import "fmt"

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
	// V is a text; or, where the template is one output, what that names, in its own type: a bool, float64, json.Number,
	// string, []any or map[string]any.
	V any
	// Path is the variable that is not set, as "visitor.email".
	Path string
}

// Error is a template that does not parse, or that cannot be rendered.
type Error struct {
	Line, Column int // from 1; the column counts characters
	Message      string
}

// Error tells where and what.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Template is a parsed template, for use by any number of goroutines.
type Template struct{ text string }

// Parse parses a template. The error is an *Error.
func Parse(text string) (*Template, error) { return &Template{text: text}, nil }

// IsLiteral reports whether the template has no outputs, so that it renders to its own text.
func (t *Template) IsLiteral() bool { return false }

// Render replaces the outputs. The error is an *Error.
func (t *Template) Render(variables map[string]any) (Value, error) { return Value{V: t.text}, nil }

// RenderEscaped is Render with each text that comes of an output passed through escape; the template's own text is not.
func (t *Template) RenderEscaped(variables map[string]any, escape func(string) string) (Value, error) {
	return t.Render(variables)
}

// Cache keeps parsed templates, up to a bound. The zero Cache is ready, for any number of goroutines.
type Cache struct{}

// Parse is Parse, remembered.
func (c *Cache) Parse(text string) (*Template, error) { return Parse(text) }
