package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// split cuts a text into a list at each separator; empty ends are dropped, as in Liquid. "" separates each character.
func split(a *arguments) (any, error) {
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	separator, err := a.textAt(0, "")
	if err != nil {
		return nil, err
	}
	if strings.Count(s, separator) >= maxElements {
		return nil, errTooMuch
	}
	pieces := strings.Split(s, separator)
	if separator == " " {
		pieces = strings.Fields(s)
	}
	for len(pieces) > 0 && pieces[len(pieces)-1] == "" {
		pieces = pieces[:len(pieces)-1]
	}
	list := make([]any, len(pieces))
	for i, p := range pieces {
		list[i] = p
	}
	return list, nil
}

// join makes a text of a list, with a blank in between unless told.
func join(a *arguments) (any, error) {
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	separator, err := a.textAt(0, " ")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteString(separator)
		}
		s, ok := text(e)
		if !ok {
			return nil, fmt.Errorf("the list's element %d is %s: only texts, numbers and yes/no values can be joined", i, kindOf(e))
		}
		if b.WriteString(s); b.Len() > maxResult {
			return nil, errTooMuch
		}
	}
	return b.String(), nil
}

// first is the first element of a list, null where it is empty.
func first(a *arguments) (any, error) { return end(a, 0) }

// last is the last element of a list, null where it is empty.
func last(a *arguments) (any, error) { return end(a, -1) }

func end(a *arguments, index int) (any, error) {
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	v, _ := element(list, index)
	return v, nil
}

func reverse(a *arguments) (any, error) {
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	turned := make([]any, len(list))
	for i, e := range list {
		turned[len(list)-1-i] = e
	}
	return turned, nil
}

// uniq leaves each text, number and yes/no value in a list once.
func uniq(a *arguments) (any, error) {
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var left []any
	for i, e := range list {
		s, ok := text(e)
		if !ok {
			return nil, fmt.Errorf("the list's element %d is %s: only texts, numbers and yes/no values can be compared", i, kindOf(e))
		}
		if key := kindOf(e) + s; !seen[key] {
			seen[key] = true
			left = append(left, e)
		}
	}
	return left, nil
}

// compact leaves out what is null in a list.
func compact(a *arguments) (any, error) {
	list, err := a.list()
	if err != nil {
		return nil, err
	}
	left := []any{}
	for _, e := range list {
		if e != nil {
			left = append(left, e)
		}
	}
	return left, nil
}

// sizeOf is the number of a list's elements, an object's members or a text's characters.
func sizeOf(a *arguments) (any, error) {
	switch v := a.input.(type) {
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	s, err := a.text()
	if err != nil {
		return nil, err
	}
	return utf8.RuneCountInString(s), nil
}
