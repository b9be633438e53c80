package template

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// renderer renders one template once.
type renderer struct {
	variables map[string]any
	escape    func(text string, raw bool) string
	work      int // bytes that filters read and wrote
}

// output evaluates an output. A variable that is not set, be it the head or a filter's argument, makes the output unset,
// but for the filter default, which gives its argument then.
func (r *renderer) output(o *output) (Value, error) {
	v := r.operand(o.head)
	for i := range o.filters {
		c := &o.filters[i]
		var err *Error
		if v, err = r.call(c, v, o.head.text); err != nil {
			return Value{}, err
		}
	}
	if v.Kind == Set && v.V == nil {
		v.Kind = Null
	}
	return v, nil
}

func (r *renderer) call(c *call, v Value, head string) (Value, *Error) {
	if c.name == "default" {
		return r.fallback(c, v), nil
	}
	if v.Kind != Set {
		return v, nil // null stays null, and unset unset
	}
	args := arguments{input: v.V, head: head}
	for _, a := range c.args {
		w := r.operand(a)
		if w.Kind == Unset {
			return w, nil
		}
		args.values = append(args.values, w.V)
	}
	r.work += size(v.V)
	out, err := c.filter.apply(&args)
	if err != nil {
		return Value{}, c.at.errorf("the filter %s: %v", c.name, err)
	}
	n := size(out)
	if r.work += n; n > maxResult || r.work > maxWork {
		return Value{}, c.at.errorf("the filter %s makes too much: a result may have %d bytes", c.name, maxResult)
	}
	return valueOf(out), nil
}

// fallback is the filter default: its argument stands in for what is unset, null, empty or, unless allow_false is true,
// false.
func (r *renderer) fallback(c *call, v Value) Value {
	if v.Kind == Set && !isEmpty(v.V) {
		allow := c.named["allow_false"].literal == true
		if v.V != false || allow {
			return v
		}
	}
	return r.operand(c.args[0])
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func valueOf(v any) Value {
	if v == nil {
		return Value{Kind: Null}
	}
	return Value{V: v}
}

// operand is the value of a literal or a path.
func (r *renderer) operand(o operand) Value {
	if len(o.path) == 0 {
		return valueOf(o.literal)
	}
	var v any = r.variables
	for _, s := range o.path {
		var ok bool
		if v, ok = s.into(v); !ok {
			return Value{Kind: Unset, Path: o.text}
		}
	}
	return valueOf(v)
}

// into goes one step into a value. There is no way into null, nor into what has no such member or element.
func (s step) into(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if s.indexed {
			return nil, false
		}
		w, ok := v[s.key]
		if !ok && s.key == "size" {
			return len(v), true
		}
		return w, ok
	case []any:
		if s.indexed {
			return element(v, s.index)
		}
		switch s.key {
		case "size":
			return len(v), true
		case "first":
			return element(v, 0)
		case "last":
			return element(v, -1)
		}
	case string:
		if s.key == "size" && !s.indexed {
			return utf8.RuneCountInString(v), true
		}
	}
	return nil, false
}

// element is the element of a list, counted from the end where the index is negative.
func element(list []any, index int) (any, bool) {
	if index < 0 {
		index += len(list)
	}
	if index < 0 || index >= len(list) {
		return nil, false
	}
	return list[index], true
}

// text is a value as text; false for objects and lists.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	}
	return number(v)
}

// number is a number's digits.
func number(v any) (string, bool) {
	if v, ok := v.(json.Number); ok {
		return plain(v.String())
	}
	return Digits(v)
}

// Digits is a number of Go's as text; false for anything else. A float64 never comes as 1e+06: variables from JSON are all of
// that type.
func Digits(v any) (string, bool) {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int32:
		return strconv.FormatInt(int64(v), 10), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// plain is a number without an exponent, its digits as they are.
func plain(s string) (string, bool) {
	if !strings.ContainsAny(s, "eE") {
		return s, true
	}
	d, ok := parseDecimal(s)
	if !ok {
		return "", false
	}
	n, err := d.result()
	if err != nil {
		return "", false
	}
	return string(n.(json.Number)), true
}

// size is about how many bytes a value has as text.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case json.Number:
		return len(v)
	case []any:
		n := 0
		for _, e := range v {
			n += 16 + size(e)
		}
		return n
	case map[string]any:
		n := 0
		for k, e := range v {
			n += 16 + len(k) + size(e)
		}
		return n
	}
	return 8
}

// kindOf names the kind of a value, for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	if _, ok := number(v); ok {
		return "a number"
	}
	return fmt.Sprintf("of an unknown kind (%T)", v)
}

func (r *renderer) escaped(v any, raw bool) any {
	if r.escape == nil {
		return v
	}
	switch v := v.(type) {
	case nil:
		return r.escape("", raw) // null is the empty text, and who escapes may want to know of it
	case string:
		return r.escape(v, raw)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = r.escaped(e, raw)
		}
		return list
	}
	return v
}
