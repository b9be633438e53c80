package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// filter is what a filter's name stands for.
type filter struct {
	least, most int      // arguments
	named       []string // arguments given by name
	apply       func(*arguments) (any, error)
}

// filters are Liquid's that need no page, no shop and no loop, and e164 and raw, which are ours. The filter default is the renderer's own, because it
// alone is asked where there is no value.
var filters = map[string]filter{
	"default": {least: 1, most: 1, named: []string{"allow_false"}},

	"downcase":       {apply: downcase},
	"upcase":         {apply: upcase},
	"capitalize":     {apply: capitalize},
	"strip":          {apply: strip},
	"lstrip":         {apply: lstrip},
	"rstrip":         {apply: rstrip},
	"strip_newlines": {apply: stripNewlines},
	"append":         {least: 1, most: 1, apply: appendText},
	"prepend":        {least: 1, most: 1, apply: prepend},
	"replace":        {least: 2, most: 2, apply: replace},
	"replace_first":  {least: 2, most: 2, apply: replaceFirst},
	"remove":         {least: 1, most: 1, apply: remove},
	"remove_first":   {least: 1, most: 1, apply: removeFirst},
	"truncate":       {most: 2, apply: truncate},
	"truncatewords":  {most: 2, apply: truncateWords},
	"slice":          {least: 1, most: 2, apply: slice},
	"escape":         {apply: escapeHTML},
	"url_encode":     {apply: urlEncode},
	"url_decode":     {apply: urlDecode},
	"json":           {apply: toJSON},
	"date":           {least: 1, most: 1, apply: date},
	"e164":           {most: 1, apply: e164},
	rawFilter:        {apply: func(a *arguments) (any, error) { return a.input, nil }},

	"split":   {least: 1, most: 1, apply: split},
	"join":    {most: 1, apply: join},
	"first":   {apply: first},
	"last":    {apply: last},
	"reverse": {apply: reverse},
	"uniq":    {apply: uniq},
	"compact": {apply: compact},
	"size":    {apply: sizeOf},

	"plus":       {least: 1, most: 1, apply: plus},
	"minus":      {least: 1, most: 1, apply: minus},
	"times":      {least: 1, most: 1, apply: times},
	"divided_by": {least: 1, most: 1, apply: dividedBy},
	"modulo":     {least: 1, most: 1, apply: modulo},
	"round":      {most: 1, apply: round},
	"ceil":       {apply: ceil},
	"floor":      {apply: floor},
	"abs":        {apply: abs},
	"at_least":   {least: 1, most: 1, apply: atLeast},
	"at_most":    {least: 1, most: 1, apply: atMost},
}

// rawFilter has what an output gives not escaped: see Template.Raw.
const rawFilter = "raw"

// Filters returns the names of the filters, sorted.
func Filters() []string { return slices.Sorted(maps.Keys(filters)) }

func (f filter) arity() string {
	switch {
	case f.most == 0:
		return "no arguments"
	case f.least == f.most && f.most == 1:
		return "one argument"
	case f.least == f.most:
		return fmt.Sprintf("%d arguments", f.most)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// arguments are what a filter is applied to: its input, which is not null, and its arguments, which may be.
type arguments struct {
	input  any
	head   string // what the output begins with, for messages
	values []any
}

// errTooMuch is a result that is not even made, because it would break the bounds.
var errTooMuch = errors.New("the result would be too long")

// text is the input as text.
func (a *arguments) text() (string, error) {
	s, ok := text(a.input)
	if !ok {
		return "", fmt.Errorf("it takes a text, and %s is %s here", a.head, kindOf(a.input))
	}
	return s, nil
}

// textAt is an argument as text; other where it was not given.
func (a *arguments) textAt(i int, other string) (string, error) {
	if i >= len(a.values) {
		return other, nil
	}
	s, ok := text(a.values[i])
	if !ok {
		return "", fmt.Errorf("its argument %d must be a text, and is %s", i+1, kindOf(a.values[i]))
	}
	return s, nil
}

// list is the input as a list.
func (a *arguments) list() ([]any, error) {
	if l, ok := a.input.([]any); ok {
		return l, nil
	}
	return nil, fmt.Errorf("it takes a list, and %s is %s here", a.head, kindOf(a.input))
}
