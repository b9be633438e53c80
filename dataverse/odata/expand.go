package odata

import (
	"fmt"
	"strings"
)

// part is a piece of a text, and where it begins there.
type part struct {
	text   string
	offset int
}

// split cuts a text at a separator, but not within quotes or brackets.
func split(text string, separator byte) ([]part, error) {
	var parts []part
	start := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case separator:
			parts = append(parts, part{text[start:i], start})
			start = i + 1
		case '(', '[', '{':
			n, ok := balanced(text[i:])
			if !ok {
				return nil, &SyntaxError{Text: text, Offset: i, Message: "the bracket is not closed"}
			}
			i += n - 1
		case '\'', '"':
			n := quotedLength(text[i:])
			if n == 0 {
				return nil, &SyntaxError{Text: text, Offset: i, Message: "There is an unterminated literal"}
			}
			i += n - 1
		}
	}
	return append(parts, part{text[start:], start}), nil
}

// call takes "name(inside)" apart; it reports false for a text without parentheses or with something behind them.
func call(text string) (name, inside string, ok bool) {
	open := strings.IndexByte(text, '(')
	if open < 0 || !strings.HasSuffix(text, ")") {
		return "", "", false
	}
	if n, closed := balanced(text[open:]); !closed || open+n != len(text) {
		return "", "", false
	}
	return strings.TrimSpace(text[:open]), text[open+1 : len(text)-1], true
}

// parseExpand reads an $expand on the given level of nesting.
func parseExpand(text string, depth int) ([]Expand, error) {
	if depth > maxDepth {
		return nil, &SyntaxError{Text: text, Message: fmt.Sprintf("more than %d levels of nesting", maxDepth)}
	}
	items, err := split(text, ',')
	if err != nil {
		return nil, err
	}
	var expands []Expand
	for _, item := range items {
		e, err := parseExpandItem(strings.TrimSpace(item.text), depth)
		if err != nil {
			return nil, err
		}
		expands = append(expands, e)
	}
	return expands, nil
}

func parseExpandItem(text string, depth int) (Expand, error) {
	name, options, ok := call(text)
	if !ok {
		name = text
	}
	e := Expand{}
	e.Navigation, e.Ref = strings.CutSuffix(name, "/$ref")
	if e.Navigation == "" || strings.ContainsFunc(e.Navigation, func(r rune) bool { return r > 127 || !isWordByte(byte(r)) }) {
		return Expand{}, &SyntaxError{Text: text, Message: "the name of a navigation property expected"}
	}
	if strings.TrimSpace(options) == "" {
		return e, nil
	}
	parts, err := split(options, ';')
	if err != nil {
		return Expand{}, err
	}
	for _, o := range parts {
		if err := e.read(o, depth); err != nil {
			return Expand{}, err
		}
	}
	return e, nil
}

func (e *Expand) read(o part, depth int) (err error) {
	name, value, _ := strings.Cut(o.text, "=")
	switch name = strings.TrimSpace(name); name {
	case "$select":
		e.Select, err = parseSelect(value)
	case "$filter":
		e.Filter, err = parseFilter(value, noAlias)
	case "$orderby":
		e.OrderBy, err = ParseOrderBy(value)
	case "$top":
		e.Top, err = parseTop(value)
	case "$count":
		e.Count, err = parseCount(value)
	case "$expand":
		e.Expand, err = parseExpand(value, depth+1)
	default:
		return &SyntaxError{Text: o.text, Message: fmt.Sprintf("The query option '%s' is not supported in $expand", name)}
	}
	return err
}

// noAlias refuses aliases: Dataverse does not know them within $expand.
func noAlias(string) (Value, error) {
	return nil, fmt.Errorf("parameter aliases are not supported in $expand")
}
